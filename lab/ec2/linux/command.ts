import { execFile } from "node:child_process";

/** A command of this machine that failed; the message names it and ends with what it said. */
export class CommandError extends Error {
  constructor(
    readonly command: string,
    readonly output: string,
    options?: ErrorOptions,
  ) {
    super(`${command} failed: ${output.trim() || "it said nothing"}`, options);
    this.name = "CommandError";
  }
}

/**
 * Runs a command to its end and gives its output; `input` goes to its standard input.
 *
 * @throws CommandError when it fails, is not there, or takes longer than `limitSeconds` (default 30).
 */
export async function run(file: string, args: readonly string[], input = "", limitSeconds = 30): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      file,
      args,
      { timeout: limitSeconds * 1000, maxBuffer: 16 * 1024 * 1024 },
      (cause, stdout, stderr) => {
        if (cause === null) resolve(stdout);
        else reject(new CommandError([file, ...args].join(" "), stderr || cause.message, { cause }));
      },
    );
    // A command that ends without reading everything closes the pipe; its exit code says whether that is wrong.
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}

/** Runs lines of shell, stopping at the first that fails. Values go in as arguments `$1` …, never into the text. */
export async function runShell(script: string, args: readonly string[] = []): Promise<string> {
  return run("sh", ["-euc", script, "sh", ...args]);
}
