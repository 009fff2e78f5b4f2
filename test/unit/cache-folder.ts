import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Gives each test of a file a cache of its own, empty at its start. @returns where it is */
export function ownCache(): () => string {
  const before = process.env.DAYBREAK_CACHE;
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "daybreak-cache-"));
    process.env.DAYBREAK_CACHE = folder;
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
    if (before === undefined) delete process.env.DAYBREAK_CACHE;
    else process.env.DAYBREAK_CACHE = before;
  });
  return () => folder;
}
