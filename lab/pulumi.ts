import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

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

/** How often an update that somebody else runs is looked at, in milliseconds. */
const POLL_MS = 500;

/**
 * `pulumi up` without questions; the stack is made first if the lab has none of that name yet.
 *
 * An update that already runs, such as that of a start that was killed without it, is waited for: Pulumi would refuse.
 */
export async function up(lab: Lab, stack: string, onLine?: (line: string) => void): Promise<Update> {
  await updatesEnded(lab, onLine);
  await select(lab, stack);
  // The engine's dots say only that it is alive.
  const telling = (line: string) => void (/^(@.*|\s*)$/.test(line) || onLine?.(line));
  const output = await pulumi(lab, ["up", "--stack", stack, "--yes", "--skip-preview", "--non-interactive"], telling);
  return { changes: summarize(output), output };
}

function select(lab: Lab, stack: string): Promise<string> {
  return pulumi(lab, ["stack", "select", "--create", stack, "--non-interactive"]);
}

/** `pulumi config set`: in the stack's file, where every lab of this checkout and its user finds it. */
export async function configure(lab: Lab, stack: string, key: string, value: string): Promise<void> {
  await select(lab, stack);
  await pulumi(lab, ["config", "set", "--stack", stack, key, value]);
}

/**
 * Whether an update was killed rather than cancelled: its lock is there, its process is not. What it was making then may
 * be there without Pulumi knowing of it.
 */
export function wasKilled(lab: Lab): boolean {
  return lockHolders(lab).some((pid) => !isRunning(pid));
}

/** Ends when no update runs in the lab any more; an update's own limits bound it. */
export async function updatesEnded(lab: Lab, onLine?: (line: string) => void): Promise<void> {
  const [first] = lockHolders(lab).filter(isRunning);
  if (first === undefined) return;
  onLine?.(`waiting for the update that process ${first} runs in this lab`);
  while (lockHolders(lab).some(isRunning)) await sleep(POLL_MS);
}

/** The processes that hold a lock on a stack of the lab, by what the locks say. */
function lockHolders(lab: Lab): number[] {
  const folder = join(lab.dir, "pulumi", ".pulumi", "locks");
  if (!existsSync(folder)) return [];
  const locks = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".json"));
  return locks.flatMap((name) => {
    const { pid } = JSON.parse(readLock(join(folder, name))) as { pid?: number };
    return pid === undefined ? [] : [pid];
  });
}

/** A lock that was given back since the folder was read holds nobody. */
function readLock(file: string): string {
  return existsSync(file) ? readFileSync(file, "utf8") : "{}";
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
