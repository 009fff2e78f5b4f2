import { basename } from "node:path";

import { isMachineAlive } from "./linux/machine";
import { readState } from "./store";

/** Ids of a lab's machines that should run but have no processes: killed, or gone with a restart of this machine. */
export function deadInstances(labDir: string): string[] {
  const lab = basename(labDir);
  return Object.values(readState(labDir).instances)
    .filter((instance) => instance.state !== "stopped" && !isMachineAlive(lab, instance.id))
    .map((instance) => instance.id);
}
