import { existsSync, readdirSync } from "node:fs";

import { stopBackground } from "./background";
import { listLeftovers, removeLab } from "./ec2/remove";
import { LABS_DIR, readLab } from "./lab";

/**
 * Takes a lab down to nothing: machines, networks, mounts, processes, files and changed sysctls. The cache stays.
 *
 * Works by name alone, so also for a lab that was killed half-way, and does nothing for one that is not there.
 *
 * @throws with the list, if something could not be removed.
 */
export async function stopLab(name: string): Promise<void> {
  const lab = readLab(name);
  if (lab !== undefined) await stopBackground(lab);
  await removeLab(name);
  const left = await listLeftovers(name);
  if (left.length > 0) {
    throw new Error(`The lab "${name}" left something behind:\n${left.map((item) => `  ${item}`).join("\n")}`);
  }
}

/** Names of all labs on this machine, whole or half-dead. */
export function labNames(): string[] {
  return existsSync(LABS_DIR) ? readdirSync(LABS_DIR).sort() : [];
}
