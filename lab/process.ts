import { existsSync } from "node:fs";

/** Whether a process of that id is there, whoever's it is. Ids are used again: it may be another than the one that was meant. */
export function isRunning(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}
