import { BOOKINFO_FOOTPRINT } from "./bookinfo/footprint";
import type { Budget, Footprint } from "./budget";
import { LINKERD_FOOTPRINT, PROXY } from "./linkerd/footprint";
import { LOGS_FOOTPRINT } from "./logs/footprint";
import { MONITORING_FOOTPRINT } from "./monitoring/footprint";
import { NETWORK_POLICY_FOOTPRINT } from "./network-policy/agent";
import { TRACES_FOOTPRINT } from "./traces/footprint";
import { TRAFFIC_FOOTPRINT } from "./traffic/load";

/** Every pod of the workloads stack with nothing turned on that is off by default. */
export const FOOTPRINT: readonly Footprint[] = [
  ...MONITORING_FOOTPRINT,
  ...LINKERD_FOOTPRINT,
  ...BOOKINFO_FOOTPRINT,
  ...TRAFFIC_FOOTPRINT,
  ...NETWORK_POLICY_FOOTPRINT,
];

/** Pods of what is off by default, by the key that turns it on; those of autoscaling depend on its settings. */
export const EXTRA_FOOTPRINTS: Readonly<Record<"logs" | "traces", readonly Footprint[]>> = {
  logs: LOGS_FOOTPRINT,
  traces: TRACES_FOOTPRINT,
};

const sum = (budgets: readonly Budget[]): Budget =>
  budgets.reduce((total, { cpu, memory, memoryLimit }) => ({
    cpu: total.cpu + cpu,
    memory: total.memory + memory,
    memoryLimit: total.memoryLimit + memoryLimit,
  }));

/** What one pod asks for, its proxy included. */
export function podBudget({ containers, meshed }: Footprint): Budget {
  return sum([...Object.values(containers), ...(meshed ? [PROXY] : [])]);
}
