import { createHash, randomBytes } from "node:crypto";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, join, relative } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { isRunning } from "./process";

/**
 * The folder that holds everything downloaded or built: `$DAYBREAK_CACHE`, or `daybreak` in the user's cache folder.
 *
 * It outlives every lab; deleting it costs nothing but the time to build again.
 */
export function cacheDir(): string {
  return process.env.DAYBREAK_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "daybreak");
}

/** A path inside the cache. */
export function inCache(...parts: string[]): string {
  return join(cacheDir(), ...parts);
}

/**
 * Makes a directory whole or not at all: `fill` works in a neighbour of it, which then takes its name.
 *
 * A directory of that name which is there already is replaced; whoever has its files open keeps them.
 */
export async function makeDirectory(target: string, fill: (directory: string) => Promise<void>): Promise<void> {
  mkdirSync(dirname(target), { recursive: true });
  sweepUnfinished(target);
  const unfinished = `${target}.unfinished-${process.pid}`;
  mkdirSync(unfinished);
  try {
    await fill(unfinished);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    throw error;
  }
  const replaced = `${target}.replaced-${randomBytes(4).toString("hex")}`;
  if (existsSync(target)) renameSync(target, replaced);
  renameSync(unfinished, target);
  rmSync(replaced, { recursive: true, force: true });
}

/** Removes what a killed build left beside the directory. */
function sweepUnfinished(target: string): void {
  const folder = dirname(target);
  const prefix = relative(folder, target);
  for (const entry of readdirSync(folder)) {
    if (entry.startsWith(`${prefix}.unfinished-`) || entry.startsWith(`${prefix}.replaced-`))
      rmSync(join(folder, entry), { recursive: true, force: true });
  }
}

/** Hashes values of any kind that JSON knows; the order of an object's keys counts. 16 hexadecimal digits. */
export function hashOf(...values: unknown[]): string {
  return createHash("sha256").update(JSON.stringify(values)).digest("hex").slice(0, 16);
}

/** Hashes a file, or every file of a folder with its relative name and whether it can be executed by name. */
export function hashOfPath(path: string): string {
  const hash = createHash("sha256");
  for (const file of filesUnder(path)) {
    hash.update(`${relative(path, file.path)}\0${file.link ? readlinkSync(file.path) : ""}\0`);
    if (!file.link) hash.update(readFileSync(file.path));
    hash.update("\0");
  }
  return hash.digest("hex").slice(0, 16);
}

interface FoundFile {
  path: string;
  link: boolean;
}

/** Every file and link under a path, sorted by name; the path itself if it is a file. */
function filesUnder(path: string): FoundFile[] {
  let entries;
  try {
    entries = readdirSync(path, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOTDIR") return [{ path, link: false }];
    throw error;
  }
  return entries
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const child = join(path, entry.name);
      return entry.isDirectory() ? filesUnder(child) : [{ path: child, link: entry.isSymbolicLink() }];
    });
}

/** How often somebody who waits for the cache looks whether it is free, in milliseconds. */
const LOCK_POLL_MS = 300;

/**
 * Runs `work` while nobody else on this machine builds into the cache.
 *
 * @param waiting is told the other builder's process id, once, when there is one.
 */
export async function withCacheLock<Result>(
  work: () => Promise<Result>,
  waiting: (pid: number) => void,
): Promise<Result> {
  const lock = inCache("lock");
  mkdirSync(cacheDir(), { recursive: true });
  for (let told = false; !takeLock(lock); told = true) {
    const owner = lockOwner(lock);
    if (owner !== undefined && !told) waiting(owner);
    await delay(LOCK_POLL_MS);
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

/** Writes our process id into the lock unless a living process holds it. The link makes name and content appear at once. */
function takeLock(lock: string): boolean {
  const claim = `${lock}.${process.pid}`;
  writeFileSync(claim, String(process.pid));
  try {
    linkSync(claim, lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(claim, { force: true });
  }
  if (lockOwner(lock) === undefined) rmSync(lock, { force: true });
  return false;
}

/** The living process that holds the lock. */
function lockOwner(lock: string): number | undefined {
  const pid = existsSync(lock) ? Number(readFileSync(lock, "utf8")) : 0;
  return pid > 0 && isRunning(pid) ? pid : undefined;
}
