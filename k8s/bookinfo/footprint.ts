import type { Footprint } from "../budget";
import { replicas } from "./resilience";
import { isPinned, WORKLOADS, workloadName } from "./services";

/** With pinning on, as the other pinned pods are counted; without it productpage has one more. */
export const BOOKINFO_FOOTPRINT: readonly Footprint[] = WORKLOADS.map((workload) => ({
  pod: workloadName(workload),
  replicas: replicas(workload, true),
  pinned: isPinned(workload),
  meshed: true,
  containers: { [workload.service]: workload.budget },
}));
