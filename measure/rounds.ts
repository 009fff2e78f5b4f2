import type { KubeConfig } from "@kubernetes/client-node";

import { isMeshed } from "../check/mesh";
import type { LoadReport } from "../traffic/report";
import { NoReport, runLoad } from "../traffic/run";
import { type Variant, VARIANTS } from "./copies";
import { CannotMeasure, type Standing } from "./stage";

/** How a measurement is made. */
export interface Plan {
  /** Requests a second. */
  rate: number;
  rounds: number;
  /** Length of one variant's part of a round, in seconds. */
  seconds: number;
}

/** Round by round. */
export type Rounds = Record<Variant, LoadReport[]>;

/** Seconds around each load: its pod starts and goes. */
const AROUND = 15;

/** Longest that a plan takes with its warm-up, in seconds, where every load has a second try. */
export function secondsFor({ rounds, seconds }: Plan): number {
  return 2 * VARIANTS.length * (rounds + 1) * (seconds + AROUND);
}

/** Which variant goes first changes from round to round, so that neither always meets a warmer machine. */
export function orderOf(round: number): readonly Variant[] {
  return round % 2 === 0 ? VARIANTS : [...VARIANTS].reverse();
}

export interface Course {
  kubeConfig: KubeConfig;
  plan: Plan;
  copies: Record<Variant, Standing>;
  clientNode: string;
  interrupt: AbortSignal;
  onProgress: (text: string) => void;
  /** After each round, from 1. */
  onRound: (round: number, plain: LoadReport, meshed: LoadReport) => void;
  /** Before the second try of a load, with what became of the first. */
  onAgain: (variant: Variant, reason: string) => void;
}

/**
 * Loads both copies in turn, from a client that is meshed where its copy is. The first round counts for nothing: caches
 * fill, Java compiles.
 * @throws CannotMeasure if a client is not, NoReport if a load fails twice
 */
export async function runRounds(course: Course): Promise<Rounds> {
  const { plan, onProgress } = course;
  const results: Rounds = { plain: [], meshed: [] };
  onProgress("warming up");
  for (const variant of VARIANTS) await loaded(course, variant);
  for (let round = 0; round < plan.rounds; round++) {
    for (const variant of orderOf(round)) {
      onProgress(`round ${round + 1} of ${plan.rounds}, ${variant}`);
      results[variant].push(await loaded(course, variant));
    }
    course.onRound(round + 1, results.plain[round]!, results.meshed[round]!);
  }
  return results;
}

/** A load that comes to nothing has a second try: a node that is busy at its first look-up says nothing of the mesh. */
async function loaded(course: Course, variant: Variant): Promise<LoadReport> {
  try {
    return await once(course, variant);
  } catch (error) {
    if (!(error instanceof NoReport) || course.interrupt.aborted) throw error;
    course.onAgain(variant, error.message);
    return once(course, variant);
  }
}

async function once(course: Course, variant: Variant): Promise<LoadReport> {
  const { kubeConfig, plan, copies, clientNode, interrupt } = course;
  const { namespace, url } = copies[variant];
  const { report } = await runLoad(kubeConfig, {
    namespace,
    load: { url, rate: plan.rate, extent: { seconds: plan.seconds } },
    nodeSelector: { "kubernetes.io/hostname": clientNode },
    interrupt,
    onRunning: (pod) => {
      if (isMeshed(pod) !== (variant === "meshed"))
        throw new CannotMeasure(`the client of the ${variant} copy is ${isMeshed(pod) ? "" : "not "}meshed`);
    },
  });
  if (report.requests === 0) throw new NoReport(`no request came back from ${url}`);
  return report;
}
