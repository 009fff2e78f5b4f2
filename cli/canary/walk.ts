import { setTimeout as sleep } from "node:timers/promises";

import { describeFigures, type Ask, type Figures } from "./figures";
import { breach, type Limits, refusal } from "./judge";

/** One step: the share in percent, watched for so long. */
export interface Step {
  percent: number;
  pauseSeconds: number;
}

/** What the steps are done with; tests bring their own. */
export interface Hands {
  /** Gives the version so many percent; throws if that fails. */
  shift: (percent: number) => Promise<void>;
  ask: Ask;
  limits: Limits;
  /** Ends the walk. */
  signal: AbortSignal;
  /** Seconds between two looks at the figures, 5 unless a test is in a hurry. */
  lookSeconds?: number;
}

/** The version did not keep its limits. */
export class Breach extends Error {}

/**
 * Gives the version the step's share and watches it for the step's pause.
 *
 * @param show gets a line about every look
 * @returns the figures of the whole step
 * @throws Breach at the first look that speaks against the version, or at the end if too little was seen;
 *   the signal's AbortError
 */
export async function takeStep(step: Step, hands: Hands, show: (line: string) => void): Promise<Figures> {
  const { limits, signal, lookSeconds = 5 } = hands;
  await hands.shift(step.percent);
  const start = performance.now();
  const elapsed = (): number => (performance.now() - start) / 1000;
  let figures: Figures | undefined;
  while (elapsed() < step.pauseSeconds) {
    const left = step.pauseSeconds - elapsed();
    await sleep(Math.min(lookSeconds, left) * 1000, undefined, { signal });
    // One unanswered question is no verdict; at the end there has to be an answer.
    figures = await hands.ask(elapsed()).catch(() => undefined);
    show(
      figures ? `${describeFigures(figures)}, ${Math.ceil(Math.max(0, left))} s to go` : "Prometheus does not answer",
    );
    const fault = figures && breach(figures, limits);
    if (fault !== undefined) throw new Breach(fault);
  }
  signal.throwIfAborted();
  const fault = refusal(figures, limits);
  if (fault !== undefined || figures === undefined) throw new Breach(fault);
  return figures;
}
