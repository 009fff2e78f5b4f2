import execa from "execa";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { inLab, labEnvironment, type Lab } from "./lab";

/** The checkout this lab runs the programs of. */
export const PROJECT_DIR = join(__dirname, "..");

/** How a command ended. */
export interface CommandResult {
  failed: boolean;
  stdout: string;
  /** Standard output and standard error in the order in which they came. */
  all: string;
}

/**
 * Runs a command of the project in the lab's network, with the lab's settings, and waits for its end; never rejects.
 *
 * @param onLine gets every line of either stream while the command runs.
 */
export async function runInLab(
  lab: Lab,
  file: string,
  args: readonly string[],
  onLine: (line: string) => void = () => {},
): Promise<CommandResult> {
  const child = execa(...inLab(lab, file, args), {
    cwd: PROJECT_DIR,
    env: labEnvironment(lab),
    all: true,
    reject: false,
    stdin: "ignore",
  });
  if (child.all) createInterface(child.all).on("line", onLine);
  const { failed, stdout, all = "" } = await child;
  return { failed, stdout, all };
}
