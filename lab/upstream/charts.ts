import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

import type { ChartPin } from "../../config/versions";
import type { Values } from "../../k8s/values";
import { hashOf, hashOfPath, inCache } from "../cache";
import type { StepLog } from "../build/run";
import { KUBERNETES_VERSION } from "../build/versions";
import { download, fetchText } from "./download";
import { copyImages, haveImages, registrySites, takeProgram } from "./images";
import { imagesIn } from "./manifests";
import { part, type Part } from "./part";
import { upstreamUrl } from "./settings";

/** Charts that only fit one another's and their own images, so that all of it is upstream's or none. */
export interface ChartProduct {
  name: string;
  /** Each with the values that this project sets, which are loaded only when they are needed: Pulumi comes with them. */
  charts: readonly { pin: ChartPin; values: () => Values }[];
  /** The images that the lab makes for its own charts of this product, if upstream's are not used. */
  owns: RegExp;
  /** Programs of the images that also run on this machine: the path, by the beginning of the image's name. */
  programs: Readonly<Record<string, string>>;
}

/** The sources of this project's values: other values may make a chart name other images. */
const VALUES = join(__dirname, "..", "..", "k8s");

function hashOfValues(): string {
  const files = readdirSync(VALUES, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith("values.ts"));
  return hashOf(files.sort().map((file) => hashOfPath(join(VALUES, file))));
}

/** What a chart repository's index says of one version of a chart. */
const indexEntry = z.looseObject({
  version: z.string(),
  digest: z.string(),
  urls: z.array(z.string()).min(1),
});

/**
 * The product from its own repositories: its charts, and every image that they name with this project's values.
 *
 * @param images of the lab's own making, whose registries stand for those that the charts will name.
 */
export function chartPart(product: ChartProduct, images: readonly string[]): Part {
  const repositories = product.charts.map(({ pin }) => upstreamUrl(`${pin.repository}/index.yaml`));
  const key = `${product.name.toLowerCase().replaceAll(" ", "-")}-${hashOf(product, KUBERNETES_VERSION, hashOfValues())}`;
  return part({
    name: `${product.name} (charts and images)`,
    sites: [...new Set([...repositories, ...registrySites(images)])],
    needs: ["helm"],
    key,
    programs: Object.values(product.programs).map((path) => path.replace(/.*\//, "")),
    complete: () => haveImages(inCache("upstream", key), chartImages(inCache("upstream", key))),
    fill: (directory, log) => fetchProduct(product, directory, log),
  });
}

/** The folder of the packed charts in a part's directory. */
export function chartFolder(directory: string): string {
  return join(directory, "charts");
}

/** The images that a fetched product's charts name. */
export function chartImages(directory: string): string[] {
  return JSON.parse(readFileSync(join(directory, "images.json"), "utf8")) as string[];
}

async function fetchProduct(product: ChartProduct, directory: string, log: StepLog): Promise<void> {
  mkdirSync(chartFolder(directory));
  const found = new Set<string>();
  for (const { pin, values } of product.charts) {
    const chart = await fetchChart(pin, chartFolder(directory));
    for (const image of imagesIn(await render(chart, pin, values(), log))) found.add(image);
  }
  const images = [...found].sort();
  writeFileSync(join(directory, "images.json"), JSON.stringify(images));
  await copyImages(images, directory, log);
  for (const [beginning, path] of Object.entries(product.programs)) {
    const image = images.find((name) => name.startsWith(beginning));
    if (image === undefined) throw new Error(`the charts of ${product.name} name no image ${beginning}…`);
    await takeProgram(directory, image, path, log);
  }
}

/** Fetches one chart and holds it against the digest in the repository's index, which Helm does not. */
async function fetchChart({ chart, repository, version }: ChartPin, folder: string): Promise<string> {
  // Every scalar as a text: faster for an index of megabytes, and no version becomes a number.
  const index = parse(await fetchText(`${repository}/index.yaml`), { schema: "failsafe" }) as {
    entries?: Record<string, unknown[]>;
  };
  const entries = (index.entries?.[chart] ?? []) as { version?: string }[];
  const entry = indexEntry.safeParse(entries.find((each) => each.version === version));
  if (!entry.success) throw new Error(`${repository} has no chart ${chart} ${version} with a digest`);
  const file = join(folder, `${chart}-${version}.tgz`);
  const url = new URL(entry.data.urls[0] ?? "", `${repository}/`);
  await download(url.href, file, entry.data.digest.replace(/^sha256:/, ""));
  return file;
}

function render(chart: string, pin: ChartPin, values: Values, log: StepLog): Promise<string> {
  const args = ["template", pin.chart, chart, "--values", "-", "--kube-version", KUBERNETES_VERSION];
  return log.run(inCache("bin", "helm"), [...args, "--namespace", "images"], { input: JSON.stringify(values) });
}
