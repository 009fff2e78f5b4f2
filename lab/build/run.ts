import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";

import { inCache } from "../cache";

/** How many lines of a log an error shows. */
const SHOWN_LINES = 15;

/** Settings of a command. */
export interface CommandOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** Written to the command's standard input; without it the command has none. */
  input?: string;
}

/** Where a step of the build writes what it does; also runs the step's commands. */
export class StepLog {
  readonly file: string;

  /**
   * @param step names the log: `$CACHE/logs/<step>.log`, begun anew with the first command.
   * @param signal ends the commands that run.
   */
  constructor(
    readonly step: string,
    private readonly signal?: AbortSignal,
  ) {
    this.file = inCache("logs", `${step}.log`);
  }

  /** The log's last lines. */
  tail(): string {
    return this.begun ? lastLines(readFileSync(this.file, "utf8"), SHOWN_LINES) : "(empty)";
  }

  private begun = false;

  private open(): number {
    mkdirSync(dirname(this.file), { recursive: true });
    const log = openSync(this.file, this.begun ? "a" : "w");
    this.begun = true;
    return log;
  }

  /**
   * Runs a command with both of its outputs in the log.
   *
   * @returns its standard output, which is in the log as well.
   * @throws if it ends with anything but 0; the error holds the command's name and code, the log the rest.
   */
  async run(file: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
    const log = this.open();
    const begun = Date.now();
    try {
      writeSync(log, `$ ${[file, ...args].join(" ")}\n`);
      return await runLogged(file, args, options, log, this.signal);
    } finally {
      writeSync(log, `# ${file}: ${((Date.now() - begun) / 1000).toFixed(1)} s\n`);
      closeSync(log);
    }
  }
}

function runLogged(
  file: string,
  args: readonly string[],
  options: CommandOptions,
  log: number,
  signal?: AbortSignal,
): Promise<string> {
  const { cwd, env, input } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd,
      env: { ...process.env, ...env },
      ...(signal ? { signal } : {}),
      stdio: [input === undefined ? "ignore" : "pipe", "pipe", log],
    });
    const output: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => {
      writeSync(log, chunk);
      output.push(chunk);
    });
    child.once("error", (error) => reject(new Error(`${file} did not start: ${error.message}`)));
    child.once("close", (code, signal) => {
      if (code === 0) resolve(Buffer.concat(output).toString());
      else reject(new Error(`${file} ended with ${signal ?? `code ${code}`}`));
    });
    if (input !== undefined) child.stdin?.end(input);
  });
}

/** The last lines of a text that say something. */
export function lastLines(text: string, count: number): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.slice(-count).join("\n");
}
