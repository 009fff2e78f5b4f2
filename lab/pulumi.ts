import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { runInLab } from "./command";
import type { Lab } from "./lab";
import { isRunning } from "./process";

/** What `pulumi up` did, by its own summary. */
export interface Update {
  /** Resources by what became of them, such as `{ created: 34 }` or `{ unchanged: 61 }`. */
  changes: Record<string, number>;
  output: string;
}

/** A `pulumi` command that failed; the message ends with what the engine said of it. */
export class PulumiError extends Error {
  constructor(
    readonly command: string,
    readonly output: string,
  ) {
    super(`${command} failed:\n${tellingLines(output)}`);
    this.name = "PulumiError";
  }
}

/**
 * Runs the plain `pulumi` CLI in the lab, as its user would type it in `npm run lab:shell`.
 *
 * @param onLine gets every line of the live output.
 * @throws PulumiError with the diagnostics, when the command fails.
 */
export async function pulumi(lab: Lab, args: string[], onLine?: (line: string) => void): Promise<string> {
  const result = await runInLab(lab, "pulumi", args, onLine);
  if (result.failed) throw new PulumiError(`pulumi ${args.join(" ")}`, result.all);
  return result.stdout;
}

/** `pulumi up` without questions; the stack is made first if the lab has none of that name yet. */
export async function up(lab: Lab, stack: string, onLine?: (line: string) => void): Promise<Update> {
  await pulumi(lab, ["stack", "select", "--create", stack, "--non-interactive"]);
  // The engine's dots say only that it is alive.
  const telling = (line: string) => void (/^(@.*|\s*)$/.test(line) || onLine?.(line));
  const output = await pulumi(lab, ["up", "--stack", stack, "--yes", "--skip-preview", "--non-interactive"], telling);
  return { changes: summarize(output), output };
}

/**
 * Whether an update was killed rather than cancelled: its lock is there, its process is not. What it was making then may
 * be there without Pulumi knowing of it.
 */
export function wasKilled(lab: Lab): boolean {
  const folder = join(lab.dir, "pulumi", ".pulumi", "locks");
  if (!existsSync(folder)) return false;
  const locks = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".json"));
  return locks.some((name) => {
    const { pid } = JSON.parse(readFileSync(join(folder, name), "utf8")) as { pid?: number };
    return pid !== undefined && !isRunning(pid);
  });
}

/** The stack's outputs, secrets in clear text: never print them whole. */
export async function outputs(lab: Lab, stack: string): Promise<Record<string, unknown>> {
  const json = await pulumi(lab, ["stack", "output", "--stack", stack, "--json", "--show-secrets"]);
  return JSON.parse(json) as Record<string, unknown>;
}

/** Reads the lines `    + 34 created`, `    61 unchanged` of an update's closing summary. */
export function summarize(output: string): Update["changes"] {
  const summary = output.slice(output.lastIndexOf("\nResources:"));
  const rows = summary.matchAll(/^\s+(?:[^\w\s]+ )?(\d+) ([a-z]+)/gm);
  return Object.fromEntries([...rows].map(([, count, verb]) => [verb ?? "", Number(count)]));
}

/** An update's diagnostics say what went wrong; the rows of resources before them do not. */
function tellingLines(output: string): string {
  const diagnostics = output.lastIndexOf("\nDiagnostics:");
  const text = diagnostics >= 0 ? output.slice(diagnostics) : output;
  return text.trim().split("\n").slice(-60).join("\n");
}
