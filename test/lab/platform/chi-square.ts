/**
 * Pearson's statistic of counts that should be in the proportion of the weights; a category of weight 0 is left out.
 *
 * @returns the statistic and its degrees of freedom
 */
export function chiSquare(counts: readonly number[], weights: readonly number[]) {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  const terms = counts.flatMap((count, index) => {
    const expected = (total * (weights[index] ?? 0)) / whole;
    return expected > 0 ? [(count - expected) ** 2 / expected] : [];
  });
  return { statistic: terms.reduce((sum, term) => sum + term, 0), freedom: terms.length - 1 };
}

/** What the statistic exceeds by chance once in 10 000 runs, by degrees of freedom: a test that fails has found something. */
export const RARE: Readonly<Record<number, number>> = { 1: 15.14, 2: 18.42 };
