import { BOOKINFO_FOOTPRINT } from "./bookinfo/footprint";
import type { Budget, Footprint } from "./budget";
import { LINKERD_FOOTPRINT, PROXY } from "./linkerd/footprint";
import { MONITORING_FOOTPRINT } from "./monitoring/footprint";
import { NETWORK_POLICY_FOOTPRINT } from "./network-policy/agent";
import { TRAFFIC_FOOTPRINT } from "./traffic/load";

/** Every pod of the workloads stack. */
export const FOOTPRINT: readonly Footprint[] = [
  ...MONITORING_FOOTPRINT,
  ...LINKERD_FOOTPRINT,
  ...BOOKINFO_FOOTPRINT,
  ...TRAFFIC_FOOTPRINT,
  ...NETWORK_POLICY_FOOTPRINT,
];

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
