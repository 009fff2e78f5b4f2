import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

import { inCache } from "../cache";
import { isRunning } from "../process";

/** Where labs say which machine images they use. */
const LABS = "/var/lib/daybreak/labs";

/** What has not been used for so long goes, in milliseconds: three days bridge a weekend of trying two versions in turn. */
const UNUSED_MS = 3 * 24 * 3600 * 1000;

/** Machine images take 2.4 GB each: so many are kept for going back to, whatever their age. */
const SPARE_MACHINE_IMAGES = 2;

const MACHINE_IMAGES = "machine-images";

/** Folders of the cache whose entries are named by content, so that old ones stay behind. */
const FOLDERS = ["tools", "layers", "rootfs", MACHINE_IMAGES, "upstream"];

/**
 * Removes what an earlier state of the sources left in the cache: entries older than three days that nothing current
 * refers to, all but the two latest of such machine images, and what killed builds left.
 *
 * @param current directories that are in use whatever their age.
 */
export function prune(current: readonly string[]): void {
  const inUse = new Set(current);
  const labs = labDescriptions();
  for (const folder of FOLDERS) {
    const entries = listed(inCache(folder));
    const unused = entries.filter((entry) => !inUse.has(inCache(folder, entry)) && !labs.includes(entry));
    const goes = [
      ...unused.filter((entry) => Date.now() - lastChange(folder, entry) > UNUSED_MS),
      ...(folder === MACHINE_IMAGES ? latestFirst(folder, unused).slice(SPARE_MACHINE_IMAGES) : []),
      ...entries.filter(abandoned),
    ];
    for (const entry of goes) rmSync(inCache(folder, entry), { recursive: true, force: true });
  }
  pruneBlobs();
}

function latestFirst(folder: string, entries: readonly string[]): string[] {
  return [...entries].sort((one, other) => lastChange(folder, other) - lastChange(folder, one));
}

function lastChange(folder: string, entry: string): number {
  return statSync(inCache(folder, entry)).mtimeMs;
}

/** Layers of upstream's images that the registry does not share any more. */
function pruneBlobs(): void {
  const folder = inCache("upstream-blobs", "sha256");
  for (const entry of listed(folder)) {
    const { nlink, mtimeMs } = statSync(join(folder, entry));
    if (nlink === 1 && Date.now() - mtimeMs > UNUSED_MS) rmSync(join(folder, entry));
  }
}

/** Left behind by a build that was killed. */
function abandoned(entry: string): boolean {
  const builder = /\.unfinished-(\d+)$/.exec(entry)?.[1];
  return builder !== undefined && !isRunning(Number(builder));
}

function labDescriptions(): string {
  return listed(LABS)
    .flatMap((lab) => ["lab.json", "ec2/state.json"].map((file) => join(LABS, lab, file)))
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, "utf8"))
    .join();
}

function listed(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
