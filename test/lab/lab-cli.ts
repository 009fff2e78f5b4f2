import execa from "execa";
import { join } from "node:path";

/** The checkout under test. */
export const PROJECT_DIR = join(__dirname, "..", "..");

export interface Result {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** Runs `npm run lab -- ARGS` and fails with its whole output when it fails. */
export async function lab(...args: string[]): Promise<string> {
  const result = await run("node_modules/.bin/tsx", ["lab/main.ts", ...args]);
  if (result.exitCode !== 0) throw new Error(`lab ${args.join(" ")} failed:\n${result.stdout}\n${result.stderr}`);
  return result.stdout;
}

/** Runs one command in the lab's shell, as a user would type it. */
export async function inShell(name: string, command: string[], env: Record<string, string> = {}): Promise<Result> {
  return run("node_modules/.bin/tsx", ["lab/main.ts", "shell", "--lab", name, "--", ...command], env);
}

/** Like {@link inShell}, for a command that has to succeed. */
export async function shell(name: string, command: string[], env: Record<string, string> = {}): Promise<string> {
  const result = await inShell(name, command, env);
  if (result.exitCode !== 0) throw new Error(`${command.join(" ")} failed:\n${result.stdout}\n${result.stderr}`);
  return result.stdout;
}

/** One output of a stack, a secret too. */
export async function output(name: string, stack: string, key: string): Promise<string> {
  return (await shell(name, ["pulumi", "stack", "output", key, "--show-secrets", "--stack", stack])).trim();
}

/** A command of this machine, outside the lab. */
export async function run(file: string, args: string[], env: Record<string, string> = {}): Promise<Result> {
  const result = await execa(file, args, { cwd: PROJECT_DIR, env, reject: false, stdin: "ignore" });
  return { exitCode: result.exitCode ?? 1, stdout: result.stdout, stderr: result.stderr };
}
