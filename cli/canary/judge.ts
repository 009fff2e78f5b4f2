import type { Figures } from "./figures";

/** What a version has to keep. */
export interface Limits {
  /** Least share of good answers, 0 to 1. */
  successRate: number;
  /** Most milliseconds for 99 % of the answers. */
  p99: number;
  /** Requests below which a step proves nothing. */
  requests: number;
}

/** Below so many requests the slowest one alone would be the 99th percentile. */
const ENOUGH_FOR_P99 = 100;

/** Why the version has to go back now; undefined as long as nothing speaks against it. */
export function breach({ requests, successRate, p99 }: Figures, limits: Limits): string | undefined {
  if (successRate === undefined || requests < limits.requests) return undefined;
  if (successRate < limits.successRate)
    return `${percent(successRate)} of ${Math.round(requests)} requests were good, less than ${percent(limits.successRate)}`;
  if (requests >= ENOUGH_FOR_P99 && p99 !== undefined && p99 > limits.p99)
    return `99 % of the answers took up to ${p99.toFixed(0)} ms, more than ${limits.p99} ms`;
  return undefined;
}

/** Why a step is not passed at its end: a breach, or too little seen to say. */
export function refusal(figures: Figures | undefined, limits: Limits): string | undefined {
  if (figures === undefined) return "Prometheus gave no figures, and nobody shifts traffic blindly";
  if (figures.requests < limits.requests)
    return (
      `only ${Math.round(figures.requests)} requests came in this step, ${limits.requests} are needed to judge it ` +
      "(a longer --pause, or more traffic: daybreak:trafficRate)"
    );
  return breach(figures, limits);
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
