import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

import { hashOf, hashOfPath, inCache, makeDirectory } from "../cache";
import type { Supply } from "../upstream/supply";
import { sourceOf } from "./go-build";
import type { StepLog } from "./run";
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
export function chartsKey(supply: Supply): string {
  const upstream = supply.chartFolders();
  const own = [hashOfPath(SOURCES), TOOL_VERSIONS["prometheus-operator"], withoutDescriptions.toString()];
  return hashOf(...own, ...(upstream.length > 0 ? [upstream] : []));
}

/** The key that the charts in the cache were built with. */
export function builtChartsKey(): string | undefined {
  const file = join(chartsDirectory(), ".key");
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

/** The lab's own charts that upstream's do not replace. */
export function ownCharts(supply: Supply): z.infer<typeof chartEntry>[] {
  const entries = z.array(chartEntry).parse(JSON.parse(readFileSync(join(SOURCES, "charts.json"), "utf8")));
  return entries.filter(({ name, version }) => supply.ownChart(name, version));
}

/**
 * Packages the lab's own charts, adds upstream's and writes the repository's index. The operator's CRDs come from its
 * own Go module.
 */
export async function buildCharts(supply: Supply, log: StepLog): Promise<void> {
  const helm = inCache("bin", "helm");
  await makeDirectory(chartsDirectory(), async (directory) => {
    for (const { dir, name, version, appVersion } of ownCharts(supply)) {
      const tree = join(directory, "source", version, name);
      cpSync(join(SOURCES, dir), tree, { recursive: true });
      if (name === OPERATOR_CHART) await addOperatorCrds(tree, log);
      await log.run(helm, ["package", tree, "--version", version, "--app-version", appVersion, "-d", directory]);
    }
    rmSync(join(directory, "source"), { recursive: true, force: true });
    for (const folder of supply.chartFolders()) cpSync(folder, directory, { recursive: true });
    await log.run(helm, ["repo", "index", directory]);
    writeFileSync(join(directory, ".key"), chartsKey(supply));
  });
}

async function addOperatorCrds(chart: string, log: StepLog): Promise<void> {
  const module = await sourceOf("platform", "github.com/prometheus-operator/prometheus-operator", log);
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
