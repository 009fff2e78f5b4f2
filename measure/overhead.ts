import { jStat } from "jstat";

/** What the mesh adds, in percent of the time without it. */
export interface Overhead {
  percent: number;
  /** Ends of the confidence interval. */
  low: number;
  high: number;
  /** Whether the interval as a whole is within the criterion, as a whole outside it, or neither. */
  verdict: Verdict;
}

export type Verdict = "within" | "outside" | "undecided";

/** The users' own success criterion: within this many percent of what was measured without the mesh. */
export const CRITERION_PERCENT = 5;

export const CONFIDENCE = 0.95;

/** One round: the same load on both variants, one right after the other, in the same unit. */
export interface Pair {
  plain: number;
  meshed: number;
}

/**
 * The ratio of both variants, as the geometric mean over the rounds with its t interval.
 *
 * Rounds are compared pair by pair, so that what changes slowly (a busy neighbour, CPU credits) falls out, and by their
 * logarithms, in which twice as slow and twice as fast weigh the same. Where percentiles of a round are not normal, the
 * mean of ten logarithms nearly is.
 *
 * @param pairs two at least
 * @throws RangeError for fewer, or for a figure that is not above 0
 */
export function overhead(pairs: readonly Pair[]): Overhead {
  if (pairs.length < 2) throw new RangeError("an interval needs two rounds at least");
  const logarithms = pairs.map(({ plain, meshed }) => Math.log(meshed / plain));
  if (!logarithms.every(Number.isFinite)) throw new RangeError("a round has no time above 0");
  const mean = jStat.mean(logarithms);
  const [low, high] = jStat.tci(mean, 1 - CONFIDENCE, logarithms).map(percentOf) as [number, number];
  return { percent: percentOf(mean), low, high, verdict: judge(low, high) };
}

const percentOf = (logarithm: number): number => (Math.exp(logarithm) - 1) * 100;

function judge(low: number, high: number): Verdict {
  if (low >= -CRITERION_PERCENT && high <= CRITERION_PERCENT) return "within";
  return low > CRITERION_PERCENT || high < -CRITERION_PERCENT ? "outside" : "undecided";
}
