import type { Footprint } from "../budget";

/** The default of 5000 traces of a dozen spans is about 150 MiB; the largest limit, 10 000, twice that. */
export const JAEGER = {
  pod: "jaeger",
  replicas: 1,
  pinned: false,
  meshed: false,
  containers: { jaeger: { cpu: 30, memory: 256, memoryLimit: 768 } },
} satisfies Footprint;

export const TRACE_COLLECTOR = {
  pod: "trace-collector",
  replicas: 1,
  pinned: false,
  meshed: true,
  containers: { "trace-collector": { cpu: 20, memory: 64, memoryLimit: 192 } },
} satisfies Footprint;

/** There with `daybreak:traces` only. */
export const TRACES_FOOTPRINT: readonly Footprint[] = [JAEGER, TRACE_COLLECTOR];
