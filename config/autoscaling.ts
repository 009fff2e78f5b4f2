import { z } from "zod";

import { between, key } from "./key";

/** Pods of one workload at most. Four of each of reviews' versions and of productpage fit two workers: see the test. */
const MOST_PODS = 4;

const pods = between(1, MOST_PODS);

const settings = z
  .strictObject(
    {
      /** Pods of each workload that are always there. */
      minimum: pods.default(1),
      /** Pods of each workload at most. */
      maximum: pods.default(3),
      /**
       * CPU that a pod's application should use, in percent of its request of 100 thousandths. A request is what a pod
       * needs at rest, and nothing keeps it from using more: twice that is a pod with something to do.
       */
      cpuPercent: between(10, 1000).default(200),
    },
    { error: "neither true, false nor settings" },
  )
  .refine(({ minimum, maximum }) => minimum <= maximum, { error: "minimum is more than maximum" });

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
    `true, false, or minimum and maximum from 1 to ${MOST_PODS} pods (default 1 and 3) and cpuPercent, the CPU wanted of a pod in percent of its request, from 10 to 1000 (default 200); default false`,
    "daybreak:autoscaling true",
  ),
};
