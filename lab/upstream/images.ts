import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { REGISTRIES } from "../../config/versions";
import { hashOf, inCache } from "../cache";
import { parseReference, type Descriptor, type Image } from "../build/oci";
import type { LayerFile } from "../build/registry";
import type { StepLog } from "../build/run";
import { upstreamUrl } from "./settings";

/** What copies images from registries. */
export const IMAGE_COPIER = "skopeo";

/** Layers of every image, so that what two images share is fetched once. */
function blobs(): string {
  return inCache("upstream-blobs");
}

/** Addresses whose answer shows that the registries of some images can be reached. */
export function registrySites(images: readonly string[]): string[] {
  const sites = images.map((image) => {
    const own = `https://${image}`;
    const source = upstreamUrl(own);
    if (source !== own) return `${new URL(source).origin}/v2/`;
    const { host } = parseReference(image);
    // Docker's registry answers under another name than its images carry.
    return `https://${host === "docker.io" ? "registry-1.docker.io" : host}/v2/`;
  });
  return [...new Set(sites)];
}

/**
 * Copies images into folders of the OCI layout; every layer is held against the digest in the image's manifest.
 *
 * @throws if a node of the lab would not ask the mirror for one of them, or for the first that cannot be had.
 */
export async function copyImages(images: readonly string[], directory: string, log: StepLog): Promise<void> {
  const strange = images.find((image) => !REGISTRIES.some((host) => host === parseReference(image).host));
  if (strange !== undefined)
    throw new Error(`the registry of ${strange} is not among those that the nodes ask the mirror for`);
  mkdirSync(blobs(), { recursive: true });
  for (const image of images) await copyImage(image, imageFolder(directory, image), log);
}

async function copyImage(image: string, target: string, log: StepLog): Promise<void> {
  mkdirSync(dirname(target), { recursive: true });
  const source = upstreamUrl(`https://${image}`);
  const options = [
    "--insecure-policy",
    "--override-os",
    "linux",
    "--override-arch",
    "amd64",
    "--command-timeout",
    "20m",
  ];
  const trust = source.startsWith("http://") ? ["--src-tls-verify=false"] : [];
  // Layers stay as they are: compressing what never leaves this machine costs minutes.
  const store = ["--dest-shared-blob-dir", blobs(), "--dest-oci-accept-uncompressed-layers"];
  const copy = ["copy", "--quiet", "--retry-times", "2", ...trust, ...store];
  const from = `docker://${source.replace(/^https?:\/\//, "")}`;
  await log.run(IMAGE_COPIER, [...options, ...copy, from, `oci:${target}`]).catch((error: unknown) => {
    throw new Error(`${image} could not be copied: ${telling(log)}`, { cause: error });
  });
}

/** skopeo's own message; the log's last line is the time that it took. */
function telling(log: StepLog): string {
  const said = log
    .tail()
    .split("\n")
    .filter((line) => line.includes("level=fatal"));
  return /msg="((?:[^"\\]|\\.)*)"/.exec(said.at(-1) ?? "")?.[1]?.replaceAll('\\"', '"') ?? "see the log";
}

function imageFolder(directory: string, image: string): string {
  return join(directory, "images", hashOf(image));
}

/** A copied image with its layers, ready for the mirror's registry. */
export interface CopiedImage extends Image {
  layers: LayerFile[];
}

/** An image that {@link copyImages} has put there. */
export function copiedImage(directory: string, image: string): CopiedImage {
  const index = readFileSync(join(imageFolder(directory, image), "index.json"), "utf8");
  const [entry] = (JSON.parse(index) as { manifests: Descriptor[] }).manifests;
  const manifest = readFileSync(blob(entry?.digest ?? ""));
  const { config, layers } = JSON.parse(manifest.toString()) as { config: Descriptor; layers: Descriptor[] };
  return {
    manifest,
    config: readFileSync(blob(config.digest)),
    layers: layers.map((descriptor) => ({ file: blob(descriptor.digest), descriptor })),
  };
}

/** Whether every layer of some copied images is there. */
export function haveImages(directory: string, images: readonly string[]): boolean {
  try {
    return images.every((image) => copiedImage(directory, image).layers.every(({ file }) => existsSync(file)));
  } catch {
    return false;
  }
}

function blob(digest: string): string {
  return join(blobs(), ...digest.split(":"));
}

/** Takes a program out of a copied image. */
export async function takeProgram(directory: string, image: string, path: string, log: StepLog): Promise<void> {
  const target = join(directory, "bin");
  mkdirSync(target, { recursive: true });
  const flat = `--transform=s#.*/##`;
  // The uppermost layer that has it holds what a container would run.
  for (const { file } of copiedImage(directory, image).layers.reverse()) {
    const names = (await log.run("tar", ["--list", "--file", file])).split("\n");
    const found = names.find((name) => name.replace(/^\.?\//, "") === path);
    if (found === undefined) continue;
    await log.run("tar", ["--extract", "--file", file, "--directory", target, flat, found]);
    return;
  }
  throw new Error(`${image} has no ${path}`);
}
