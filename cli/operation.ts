import type { Stack } from "@pulumi/pulumi/automation";

import type { Progress } from "../check/progress";
import type { Cancellation } from "./cancellation";
import { UpdateProgress, withoutColours } from "./progress";
import { UserError, type Watch } from "./stacks";

/** One line of the table at the end. */
export interface Phase {
  layer: string;
  verb: string;
  seconds: number;
  changes: string;
}

/** An operation of the engine that failed; what it said has already been printed. */
export class OperationFailed extends Error {
  constructor(
    readonly layer: string,
    readonly verb: string,
    readonly phases: Phase[],
    message: string,
  ) {
    super(message);
  }
}

/** Ends when the user presses ^C: Pulumi is told once, and stops after the steps under way. */
export class Cancelled extends Error {}

/** Runs operations one after the other, shows them and remembers how long each took. */
export class Operations {
  readonly phases: Phase[] = [];

  constructor(
    private readonly progress: Progress,
    private readonly cancellation: Cancellation,
  ) {}

  print(...lines: string[]): void {
    this.progress.print(lines);
  }

  /**
   * @throws Cancelled if the user ended it, OperationFailed with the reason and the next command otherwise
   */
  async run(stack: Stack, verb: string, operate: (watch: Watch) => Promise<unknown>): Promise<void> {
    if (this.cancellation.requested) throw new Cancelled();
    const layer = stack.name;
    const start = performance.now();
    const update = new UpdateProgress(this.progress, `${verb} ${layer}`, verb === "preview");
    let stderr = "";
    this.print("", `${verb} ${layer}`);
    this.progress.waitFor(`${verb} ${layer}: starting`);
    try {
      const onError = (text: string): void => void (stderr += text);
      await operate({ onEvent: update.onEvent, onError, signal: this.cancellation.signal });
      this.note(layer, verb, start, describeChanges(update.outcome.changes));
    } catch (error) {
      this.note(layer, verb, start, "failed");
      if (this.cancellation.requested) throw new Cancelled();
      const reasons = update.outcome.errors;
      throw new OperationFailed(layer, verb, this.phases, reasonOf(error, reasons, stderr, layer));
    } finally {
      this.progress.stop();
    }
  }

  /** Work beside the engine that takes its time as well. */
  note(layer: string, verb: string, start: number, changes: string): void {
    const seconds = (performance.now() - start) / 1000;
    this.phases.push({ layer, verb, seconds, changes });
    this.print(`  ${verb} ${layer}: ${changes} in ${seconds.toFixed(1)} s`);
  }
}

const VERBS: Record<string, string> = {
  create: "created",
  update: "updated",
  delete: "deleted",
  replace: "replaced",
  same: "unchanged",
};

/** "47 created, 2 updated", or "0 changes, 61 unchanged". */
export function describeChanges(changes: Record<string, number>): string {
  const { same = 0, ...others } = changes;
  const changed = Object.entries(others).filter(([op, count]) => count > 0 && VERBS[op] !== undefined);
  if (changed.length === 0) return same > 0 ? `0 changes, ${same} unchanged` : "0 changes";
  return changed.map(([op, count]) => `${count} ${VERBS[op]}`).join(", ");
}

/** The table of times, aligned. */
export function describePhases(phases: Phase[]): string[] {
  const width = Math.max(...phases.map(({ layer }) => layer.length), 0);
  const total = phases.reduce((sum, { seconds }) => sum + seconds, 0);
  const row = (name: string, verb: string, seconds: number, changes: string): string =>
    `  ${name.padEnd(width)}  ${verb.padEnd(8)} ${seconds.toFixed(1).padStart(7)} s  ${changes}`.trimEnd();
  const rows = phases.map(({ layer, verb, seconds, changes }) => row(layer, verb, seconds, changes));
  return phases.length > 1 ? [...rows, row("total", "", total, "")] : rows;
}

/** What the engine said is on the screen; this is what to do about it, or the CLI's own words if it never began. */
function reasonOf(error: unknown, errors: string[], stderr: string, layer: string): string {
  const text = withoutColours(`${errors.join("\n")}\n${stderr}\n${String(error)}`);
  const known = KNOWN.find(([pattern]) => pattern.test(text));
  if (known?.[1] === "locked")
    return `another update of ${layer} is under way, or one was killed and left its lock\n  → if none runs: pulumi cancel --stack ${layer}`;
  if (known) return known[1].replaceAll("STACK", layer);
  if (errors.length > 0) return "the lines marked ✘ say why";
  const said = withoutColours(stderr).trim().split("\n").filter(Boolean).slice(-15).join("\n");
  return said || String((error as Error).message ?? error);
}

const KNOWN: [RegExp, string][] = [
  [/the stack is currently locked|Another update is currently in progress/i, "locked"],
  [
    /passphrase must be set|incorrect passphrase/,
    "the stack's secrets need their passphrase\n  → export PULUMI_CONFIG_PASSPHRASE_FILE=FILE",
  ],
  [
    /PULUMI_ACCESS_TOKEN must be set|please run.*pulumi login/,
    "nobody is logged in to a Pulumi backend\n  → pulumi login, or pulumi login --local to keep the state on this machine",
  ],
  [
    /no EC2 IMDS role found|NoCredentialProviders|ExpiredToken|InvalidClientTokenId|failed to refresh cached credentials/,
    "AWS accepts no credentials of this shell\n  → aws sso login, or export AWS_PROFILE=NAME",
  ],
];

/** Unwraps what Pulumi's commands throw before an operation begins. */
export function explainFailure(error: unknown): string {
  if (error instanceof UserError) return error.message;
  return reasonOf(error, [], "", "STACK");
}
