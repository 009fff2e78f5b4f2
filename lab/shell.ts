import { spawn } from "node:child_process";

import { inLab, labEnvironment, type Lab } from "./lab";
import { PROJECT_DIR } from "./command";
import { followStack, refreshKubeconfigs } from "./kubeconfig";

/**
 * Runs a shell, or one command, where the lab's addresses can be reached and the plain CLIs mean the lab.
 *
 * @param command empty for the user's own interactive shell.
 * @returns the exit code.
 */
export async function openShell(lab: Lab, command: string[]): Promise<number> {
  const [program = "bash", ...rest] = command.length > 0 ? command : [process.env.SHELL ?? "bash"];
  await refreshKubeconfigs(lab);
  const unfollow = followStack(lab);
  if (command.length === 0) console.log(`In the lab "${lab.name}": pulumi, kubectl and helm mean it. Leave with exit.`);
  const [file, args] = inLab(lab, program, rest);
  const child = spawn(file, args, {
    cwd: PROJECT_DIR,
    stdio: "inherit",
    env: { ...process.env, ...labEnvironment(lab) },
  });
  // The terminal sends ^C to the whole group: the command decides, not this process.
  process.on("SIGINT", () => {});
  const ended = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(code ?? (signal ? 130 : 1)));
  });
  return ended.finally(unfollow);
}
