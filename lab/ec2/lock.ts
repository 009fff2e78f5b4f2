import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Runs `work` while no other process, nor another call in this one, holds the lock file.
 *
 * The kernel's own file lock is used, held by a small `flock` child: whatever ends this process, even kill -9, closes
 * the child's input, and with it ends the child and the lock. Nothing is ever stale.
 *
 * @throws when the lock is not free within `limitSeconds` (default 60).
 */
export async function withLock<T>(file: string, work: () => Promise<T>, limitSeconds = 60): Promise<T> {
  const release = await acquire(file, limitSeconds);
  try {
    return await work();
  } finally {
    await release();
  }
}

/** Callers of this process queue here: one `flock` child at a time is enough. */
const queues = new Map<string, Promise<void>>();

async function acquire(file: string, limitSeconds: number): Promise<() => Promise<void>> {
  const before = queues.get(file) ?? Promise.resolve();
  let done = () => {};
  queues.set(file, new Promise((resolve) => (done = resolve)));
  await before;
  try {
    const releaseFile = await holdFile(file, limitSeconds);
    return async () => {
      await releaseFile();
      done();
    };
  } catch (error) {
    done();
    throw error;
  }
}

async function holdFile(file: string, limitSeconds: number): Promise<() => Promise<void>> {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const child = spawn("flock", ["--wait", String(limitSeconds), file, "sh", "-c", "echo locked; exec cat"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  await new Promise<void>((resolve, reject) => {
    child.stdout.once("data", () => resolve());
    child.once("error", (cause) => reject(new Error(`flock could not be started to lock ${file}`, { cause })));
    child.once("close", () =>
      reject(new Error(`${file} was not free within ${limitSeconds} s; who has it: fuser ${file}`)),
    );
  });
  return async () => {
    child.stdin.end();
    await ended;
  };
}
