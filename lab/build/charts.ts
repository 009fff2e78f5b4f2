import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

import { hashOf, hashOfPath, inCache, makeDirectory } from "../cache";
import { sourceOf, toolBinary } from "./go-build";
import type { StepLog } from "./run";
import { GO_TOOLS } from "./tools";
import { TOOL_VERSIONS } from "./versions";

/** The charts that stand in for upstream's. */
const SOURCES = join(__dirname, "..", "charts");

const chartEntry = z.strictObject({
  /** Folder under `lab/charts/`; one folder can become several versions. */
  dir: z.string(),
  name: z.string(),
  version: z.string(),
  appVersion: z.string(),
});

/** The chart that brings the operator's CRDs along. */
const OPERATOR_CHART = "kube-prometheus-stack";

/** The folder that the mirror serves under `/charts`. */
export function chartsDirectory(): string {
  return inCache("mirror", "charts");
}

/** What the chart repository is made of; it is rebuilt when this changes. */
export function chartsKey(): string {
  return hashOf(hashOfPath(SOURCES), TOOL_VERSIONS["prometheus-operator"], withoutDescriptions.toString());
}

/** The key that the charts in the cache were built with. */
export function builtChartsKey(): string | undefined {
  const file = join(chartsDirectory(), ".key");
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

/** Packages every chart and writes the repository's index. The operator's CRDs come from its own Go module. */
export async function buildCharts(log: StepLog): Promise<void> {
  const entries = z.array(chartEntry).parse(JSON.parse(readFileSync(join(SOURCES, "charts.json"), "utf8")));
  const helm = helmBinary();
  await makeDirectory(chartsDirectory(), async (directory) => {
    for (const { dir, name, version, appVersion } of entries) {
      const tree = join(directory, "source", version, name);
      cpSync(join(SOURCES, dir), tree, { recursive: true });
      if (name === OPERATOR_CHART) await addOperatorCrds(tree, log);
      await log.run(helm, ["package", tree, "--version", version, "--app-version", appVersion, "-d", directory]);
    }
    await log.run("rm", ["-r", join(directory, "source")]);
    await log.run(helm, ["repo", "index", directory]);
    writeFileSync(join(directory, ".key"), chartsKey());
  });
}

function helmBinary(): string {
  const tool = GO_TOOLS.find(({ name }) => name === "helm");
  if (!tool) throw new Error("Helm is not among the tools");
  return toolBinary(tool, "helm");
}

async function addOperatorCrds(chart: string, log: StepLog): Promise<void> {
  const module = await sourceOf("monitoring", "github.com/prometheus-operator/prometheus-operator", log);
  const source = join(module, "example", "prometheus-operator-crd");
  const target = join(chart, "crds");
  mkdirSync(target, { recursive: true });
  for (const file of readdirSync(source).filter((name) => name.endsWith(".yaml")))
    writeFileSync(join(target, file), withoutDescriptions(readFileSync(join(source, file), "utf8")));
}

/**
 * The same type without its texts, as JSON, which is YAML: Helm keeps a release's whole chart in one Secret of at most
 * 1 MiB, and with the texts it would not fit. A property that is called `description` is an object, and stays.
 */
export function withoutDescriptions(definition: string): string {
  const drop = (key: string, value: unknown): unknown =>
    key === "description" && typeof value === "string" ? undefined : value;
  return `${JSON.stringify(parse(definition), drop)}\n`;
}
