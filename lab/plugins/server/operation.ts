/** One running call: its context, its time limit and its end. */
import type { Engine } from "./engine";
import { type Context, PartialError } from "./provider";
import type { Path } from "./codec";

/** Why `ctx.signal` was aborted by the user. */
export class CancelledError extends Error {
  constructor() {
    super("cancelled");
    this.name = "CancelledError";
  }
}

/** Why `ctx.signal` was aborted by its limit. */
export class TimeLimitError extends Error {
  constructor(seconds: number) {
    super(`not done within its limit of ${seconds} s; a longer one is set with customTimeouts`);
    this.name = "TimeLimitError";
  }
}

/** What an operation is about. */
export interface Subject {
  urn: string;
  type: string;
  name: string;
  preview?: boolean;
  timeoutSeconds?: number;
  secrets?: readonly Path[];
}

/** The calls under way; a cancel aborts them all and every later one. */
export class Operations {
  private readonly running = new Set<AbortController>();
  private cancelled = false;

  constructor(private readonly engine: Engine) {}

  /** Runs `work` with a context whose signal obeys the limit and the cancel, and waits for its log lines. */
  async run<T>(subject: Subject, config: unknown, work: (ctx: Context) => T | Promise<T>): Promise<T> {
    const controller = new AbortController();
    if (this.cancelled) controller.abort(new CancelledError());
    const seconds = subject.timeoutSeconds ?? 0;
    const limit = () => controller.abort(new TimeLimitError(seconds));
    // Node's timers hold 2^31 - 1 ms; a limit beyond that (24 days) is none.
    const timer = seconds > 0 && seconds < 2_147_483 ? setTimeout(limit, seconds * 1000) : undefined;
    this.running.add(controller);
    try {
      controller.signal.throwIfAborted();
      return await work(this.context(subject, config, controller.signal));
    } catch (error) {
      // A provider that was aborted fails with whatever its library throws; the reason says more.
      throw explain(error, controller.signal);
    } finally {
      clearTimeout(timer);
      this.running.delete(controller);
      await this.engine.flush();
    }
  }

  /** Aborts everything under way, and everything that starts from now on. */
  cancel(): void {
    this.cancelled = true;
    for (const controller of this.running) controller.abort(new CancelledError());
  }

  private context(subject: Subject, config: unknown, signal: AbortSignal): Context {
    const secretInputs = new Set((subject.secrets ?? []).map((path) => String(path[0])));
    return {
      urn: subject.urn,
      type: subject.type,
      name: subject.name,
      preview: subject.preview ?? false,
      timeoutSeconds: subject.timeoutSeconds ?? 0,
      signal,
      secretInputs: [...secretInputs],
      config,
      log: (level, message, ephemeral) => this.engine.log(level, message, subject.urn, ephemeral),
    };
  }
}

function explain(error: unknown, signal: AbortSignal): unknown {
  const reason: unknown = signal.reason;
  if (!(reason instanceof Error) || error === reason || error instanceof PartialError) return error;
  if (error instanceof Error && error.name !== "AbortError") return new Error(`${reason.message} (${error.message})`);
  return reason;
}
