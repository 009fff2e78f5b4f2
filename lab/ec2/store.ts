import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { withLock } from "./lock";
import { emptyState, type Ec2State } from "./model/state";

/** The file that holds everything EC2 knows in a lab; it can hold private keys (user data), so root alone reads it. */
export function stateFile(labDir: string): string {
  return join(labDir, "ec2", "state.json");
}

/** The state as of now; an empty account where nothing was made yet. Safe beside a writer: files are replaced whole. */
export function readState(labDir: string): Ec2State {
  const file = stateFile(labDir);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Ec2State) : emptyState();
}

/**
 * Changes the state under the lab's lock; if `change` throws, nothing is changed.
 *
 * @param after runs with the new state, still under the lock: what must happen in the same order as the changes.
 */
export async function changeState<T>(
  labDir: string,
  change: (state: Ec2State) => T,
  after: (state: Ec2State) => Promise<void>,
): Promise<T> {
  return withLock(join(labDir, "ec2", "lock"), async () => {
    const state = readState(labDir);
    const result = change(state);
    writeState(labDir, state);
    await after(state);
    return result;
  });
}

function writeState(labDir: string, state: Ec2State): void {
  const file = stateFile(labDir);
  mkdirSync(join(labDir, "ec2"), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(state, undefined, 1), { mode: 0o600 });
  renameSync(draft, file);
}
