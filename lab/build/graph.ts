import { StepLog } from "./run";

/** How a step of the build stands. */
export type StepState = "running" | "done" | "cached" | "failed";

/** Told about every step; `detail` is the time it took, or has taken so far, or what became of it. */
export type Report = (step: string, state: StepState, detail: string) => void;

/** One step of the build. */
export interface Step {
  readonly name: string;
  /** Steps that must be done before; unknown names are refused. */
  readonly needs: readonly string[];
  /** Keeps every core busy: only {@link HEAVY_AT_ONCE} of these run at once. */
  readonly heavy?: boolean;
  /** Of the steps with the same word here one runs at a time: they would do the same work, each for itself. */
  readonly turn?: string;
  /** Whether the cache holds what this step would make. Asked after the steps it needs. */
  readonly done: () => boolean;
  /** May return what became of it, which is then reported instead of the time it took. */
  readonly run: (log: StepLog) => Promise<string | void>;
  /** Done in any case afterwards, such as setting a link to what is current. */
  readonly always?: () => void;
}

/** What a run of the steps did. */
export interface GraphResult {
  /** Names of the steps that did something. */
  built: string[];
  /** Seconds that each of those took. */
  seconds: Record<string, number>;
}

/** Two compilations fill two to eight cores; more only cost memory. */
const HEAVY_AT_ONCE = 2;

/** How often the steps that run are told of, in milliseconds. */
const PULSE_MS = 5000;

/** A step of the build that failed, with its log. */
export class StepFailed extends Error {
  constructor(step: string, log: StepLog, reason: unknown) {
    const why = reason instanceof Error ? reason.message : String(reason);
    super(`The build step "${step}" failed: ${why}\nLast lines of ${log.file}:\n${log.tail()}`);
    this.name = "StepFailed";
  }
}

/**
 * Runs steps as soon as what they need is done, in the order of the list where more could start than may.
 *
 * @throws StepFailed for the first step that fails; the others are ended.
 */
export function runSteps(steps: readonly Step[], report: Report): Promise<GraphResult> {
  return new Graph(steps, report).run();
}

class Graph {
  private readonly waiting: Step[];
  private readonly finished = new Set<string>();
  private readonly running = new Map<string, { step: Step; since: number }>();
  private readonly abort = new AbortController();
  private readonly result: GraphResult = { built: [], seconds: {} };

  constructor(
    private readonly steps: readonly Step[],
    private readonly report: Report,
  ) {
    this.waiting = [...steps];
    const names = new Set(steps.map(({ name }) => name));
    for (const { name, needs } of steps)
      for (const need of needs) if (!names.has(need)) throw new Error(`step ${name} needs ${need}, which there is not`);
  }

  async run(): Promise<GraphResult> {
    const pulse = setInterval(() => this.tell(), PULSE_MS);
    try {
      await new Promise<void>((resolve, reject) => this.advance(resolve, reject));
      return this.result;
    } finally {
      clearInterval(pulse);
      this.abort.abort();
    }
  }

  private tell(): void {
    for (const { step, since } of this.running.values()) this.report(step.name, "running", elapsed(since));
  }

  private advance(resolve: () => void, reject: (error: unknown) => void): void {
    if (this.finished.size === this.steps.length) return resolve();
    for (const step of [...this.waiting]) {
      if (!this.mayStart(step)) continue;
      this.waiting.splice(this.waiting.indexOf(step), 1);
      this.start(step).then(() => this.advance(resolve, reject), reject);
    }
    if (this.running.size === 0 && this.waiting.length > 0)
      reject(new Error(`these steps wait for one another: ${this.waiting.map(({ name }) => name).join(", ")}`));
  }

  private mayStart(step: Step): boolean {
    if (!step.needs.every((need) => this.finished.has(need))) return false;
    const running = [...this.running.values()].map((other) => other.step);
    if (step.turn !== undefined && running.some(({ turn }) => turn === step.turn)) return false;
    return !step.heavy || running.filter(({ heavy }) => heavy).length < HEAVY_AT_ONCE;
  }

  private async start(step: Step): Promise<void> {
    const since = Date.now();
    this.running.set(step.name, { step, since });
    // Even a step that has nothing to do ends later, so that one pass over the list never starts within another.
    await Promise.resolve();
    const log = new StepLog(step.name, this.abort.signal);
    try {
      await this.perform(step, log, since);
    } catch (error) {
      this.report(step.name, "failed", elapsed(since));
      throw new StepFailed(step.name, log, error);
    } finally {
      this.running.delete(step.name);
    }
    this.finished.add(step.name);
  }

  private async perform(step: Step, log: StepLog, since: number): Promise<void> {
    if (step.done()) {
      step.always?.();
      this.report(step.name, "cached", "");
      return;
    }
    this.report(step.name, "running", "");
    const outcome = await step.run(log);
    step.always?.();
    this.result.built.push(step.name);
    this.result.seconds[step.name] = (Date.now() - since) / 1000;
    this.report(step.name, "done", outcome ?? elapsed(since));
  }
}

function elapsed(since: number): string {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}
