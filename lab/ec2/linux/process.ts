import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** Looks every 20 ms until `done`; fails with `message` after `limitSeconds`. */
export async function waitUntil(done: () => boolean, limitSeconds: number, message: () => string): Promise<void> {
  const end = Date.now() + limitSeconds * 1000;
  while (!done()) {
    if (Date.now() > end) throw new Error(message());
    await delay(20);
  }
}

/** Kills the processes that `find` gives, again and again until there are none: children may come meanwhile. */
export async function endProcesses(find: () => number[], owner: string, limitSeconds = 10): Promise<void> {
  await waitUntil(
    () => {
      const pids = find();
      for (const pid of pids) kill(pid);
      return pids.length === 0;
    },
    limitSeconds,
    () => `processes of ${owner} don't end: ${find().join(", ")}`,
  );
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Processes end at any time: one that is gone has nothing to say. */
export function readProcessFile(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
