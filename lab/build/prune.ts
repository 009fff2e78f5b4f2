import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

import { inCache } from "../cache";
import { isRunning } from "../process";

/** Where labs say which machine images they use. */
const LABS = "/var/lib/daybreak/labs";

/** What has not been used for so long goes, in milliseconds: three days bridge a weekend of trying two versions in turn. */
const UNUSED_MS = 3 * 24 * 3600 * 1000;

/** Folders of the cache whose entries are named by content, so that old ones stay behind. */
const FOLDERS = ["tools", "layers", "rootfs", "machine-images", "upstream"];

/**
 * Removes what an earlier state of the sources left in the cache: entries older than three days that nothing current
 * refers to, and what killed builds left.
 *
 * @param current directories that are in use whatever their age.
 */
export function prune(current: readonly string[]): void {
  const inUse = new Set(current);
  const labs = labDescriptions();
  for (const folder of FOLDERS) {
    for (const entry of listed(inCache(folder))) {
      const path = inCache(folder, entry);
      const old = Date.now() - statSync(path).mtimeMs > UNUSED_MS;
      const unused = old && !inUse.has(path) && !labs.includes(entry);
      if (unused || abandoned(entry)) rmSync(path, { recursive: true, force: true });
    }
  }
  pruneBlobs();
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
