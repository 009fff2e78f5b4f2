import type { Footprint } from "../budget";

/** Figures of both: docs/logs.md. */
export const LOKI = {
  pod: "loki",
  replicas: 1,
  pinned: false,
  meshed: false,
  containers: { loki: { cpu: 50, memory: 256, memoryLimit: 768 } },
} satisfies Footprint;

export const LOG_AGENT = {
  pod: "log-agent",
  replicas: "node",
  pinned: false,
  meshed: false,
  containers: { "log-agent": { cpu: 20, memory: 64, memoryLimit: 192 } },
} satisfies Footprint;

/** There with `daybreak:logs` only. */
export const LOGS_FOOTPRINT: readonly Footprint[] = [LOKI, LOG_AGENT];
