import { z } from "zod";

import { between, key } from "./key";

/** Pods of one workload at most. Four of each of reviews' versions and of productpage fit two workers: see the test. */
const MOST_PODS = 4;

/** There is no minimum: it is what each workload has without an autoscaler, which turning it off then goes back to. */
const settings = z.strictObject(
  {
    /** Pods of each workload at most. */
    maximum: between(2, MOST_PODS).default(3),
    /**
     * CPU that a pod's application should use, in percent of its request of 100 thousandths. A request is what a pod
     * needs at rest, and nothing keeps it from using more: twice that is a pod with something to do.
     */
    cpuPercent: between(10, 1000).default(200),
  },
  { error: "neither true, false nor settings" },
);

/** How many pods productpage and each version of reviews may have, and when another one is made. */
export type AutoscalingSettings = z.output<typeof settings>;

/** Alone, `true` stands for all defaults. */
function spelledOut(value: unknown): unknown {
  if (value === false) return undefined;
  return value === true ? {} : value;
}

/** Keys of a stack with `layer: k8s` that concern the number of pods. */
export const autoscalingShape = {
  autoscaling: key(
    z.preprocess(spelledOut, settings.optional()),
    "Whether productpage and each version of reviews get more pods under load, by the CPU that metrics-server measures.",
    `true, false, or maximum, from 2 to ${MOST_PODS} pods of each (default 3), and cpuPercent, the CPU wanted of a pod in percent of its request, from 10 to 1000 (default 200); default false`,
    "daybreak:autoscaling true",
  ),
};
