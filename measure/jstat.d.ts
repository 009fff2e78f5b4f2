/** The part of jstat that is used; it brings no types. */
declare module "jstat" {
  export const jStat: {
    mean(values: readonly number[]): number;
    /** Both ends of the t interval around `value` at level 1 − alpha, by the spread of the sample. */
    tci(value: number, alpha: number, sample: readonly number[]): [number, number];
  };
}
