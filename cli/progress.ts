import type { EngineEvent } from "@pulumi/pulumi/automation";

import type { Progress } from "../check/progress";

const SYMBOLS: Record<string, string> = {
  create: "+",
  "create-replacement": "+",
  update: "~",
  delete: "-",
  "delete-replaced": "-",
  replace: "±",
  import: "=",
};
/** Steps that change nothing in the cloud. */
const SILENT = new Set([
  "same",
  "read",
  "read-discard",
  "refresh",
  "discard",
  "discard-replaced",
  "remove-pending-replace",
]);

/** How many running steps the moving line names. */
const NAMED = 3;

interface Step {
  urn: string;
  op: string;
  start: number;
}

/** What an update did, for the table of times. */
export interface Outcome {
  changes: Record<string, number>;
  /** Messages of severity error, without colours, each once. */
  errors: string[];
}

/**
 * Turns the engine's events into one line a finished step, with its time, and a moving line of what is under way.
 *
 * @param planning true for a preview, which has no times
 */
export class UpdateProgress {
  readonly outcome: Outcome = { changes: {}, errors: [] };
  private readonly running = new Map<string, Step>();
  private done = 0;

  constructor(
    private readonly progress: Progress,
    private readonly layer: string,
    private readonly planning = false,
    private readonly now: () => number = Date.now,
  ) {}

  readonly onEvent = (event: EngineEvent): void => {
    const { resourcePreEvent, resOutputsEvent, resOpFailedEvent, diagnosticEvent, summaryEvent } = event;
    if (resourcePreEvent) this.begin(resourcePreEvent.metadata);
    if (resOutputsEvent) this.end(resOutputsEvent.metadata, true);
    if (resOpFailedEvent) this.end(resOpFailedEvent.metadata, false);
    if (diagnosticEvent && !diagnosticEvent.ephemeral) this.diagnose(diagnosticEvent);
    if (summaryEvent) this.outcome.changes = { ...summaryEvent.resourceChanges };
    this.showRunning();
  };

  private begin({ urn, op }: { urn: string; op: string }): void {
    if (this.planning) return this.plan(urn, op);
    if (!SILENT.has(op)) this.running.set(urn + op, { urn, op, start: this.now() });
  }

  private plan(urn: string, op: string): void {
    if (!SILENT.has(op) && isResource(urn)) this.progress.print([`  ${SYMBOLS[op] ?? op} ${describe(urn)}`]);
  }

  private end({ urn, op }: { urn: string; op: string }, well: boolean): void {
    const step = this.running.get(urn + op);
    this.running.delete(urn + op);
    if (step === undefined || (well && !isResource(urn))) return;
    this.done += 1;
    const seconds = ((this.now() - step.start) / 1000).toFixed(1);
    const sign = well ? (SYMBOLS[op] ?? op) : "✘";
    this.progress.print([`  ${sign} ${describe(urn)}${well ? "" : ` (${op} failed)`}  ${seconds} s`]);
  }

  private diagnose({ urn, message, severity }: { urn?: string; message: string; severity: string }): void {
    const text = withoutColours(message).trim();
    if (text === "" || (severity !== "error" && severity !== "warning")) return;
    if (severity === "error" && this.outcome.errors.includes(text)) return;
    if (severity === "error") this.outcome.errors.push(text);
    const where = urn && isResource(urn) ? `${describe(urn)}: ` : "";
    const [first, ...rest] = text.split("\n");
    this.progress.print([
      `  ${severity === "error" ? "✘" : "‼"} ${where}${first}`,
      ...rest.map((line) => `    ${line}`),
    ]);
  }

  private showRunning(): void {
    const steps = [...this.running.values()].filter(({ urn }) => isResource(urn));
    const names = steps.slice(0, NAMED).map(({ urn }) => describe(urn));
    const more = steps.length > NAMED ? ` and ${steps.length - NAMED} more` : "";
    this.progress.waitFor(
      `${this.layer}: ${this.done} done${names.length > 0 ? `, now ${names.join(", ")}${more}` : ""}`,
    );
  }
}

/** `aws:ec2:Instance worker-1` for `urn:pulumi:dev::daybreak::…$aws:ec2/instance:Instance::worker-1`. */
export function describe(urn: string): string {
  const [, , types = "", ...name] = urn.split("::");
  const type = types.split("$").at(-1) ?? "";
  // As Pulumi's own display does it: the module's last part is left out where it only repeats the type.
  const short = type.replace(/\/([^:]*):(\w+)$/, (all, module: string, kind: string) =>
    module.toLowerCase() === kind.toLowerCase() ? `:${kind}` : all,
  );
  return `${short.replace(":index:", ":")} ${name.join("::")}`;
}

/** Providers, the stack itself and the project's own groupings are no resources of anybody's cloud. */
function isResource(urn: string): boolean {
  const type = (urn.split("::")[2] ?? "").split("$").at(-1) ?? "";
  return !type.startsWith("pulumi:") && !type.startsWith("daybreak:");
}

/** The engine marks colours as `<{%fg 1%}>`, or has turned them into escape codes. */
export function withoutColours(text: string): string {
  return text.replace(/<\{%[^%]*%\}>/g, "").replace(/\u001b\[[0-9;]*m/g, "");
}
