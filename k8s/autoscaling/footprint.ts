import type { Budget, Footprint } from "../budget";
import { BOOKINFO_FOOTPRINT } from "../bookinfo/footprint";
import { replicas } from "../bookinfo/resilience";
import { isPinned, isScaled, type Workload, WORKLOADS } from "../bookinfo/services";

/** Three nodes and some sixty pods; upstream's own figure, 100 and 200 MiB, is for a hundred nodes. */
export const METRICS_SERVER: Budget = { cpu: 20, memory: 48, memoryLimit: 160 };

/** Pods of productpage that the control-plane node has room for beside everything that is pinned to it. */
export const PINNED_MAXIMUM = 3;

/** The most pods that a workload may have, of the number that the configuration allows each. */
export function mostPods(workload: Workload, maximum: number, pinToControlPlane: boolean): number {
  return pinToControlPlane && isPinned(workload) ? Math.min(maximum, PINNED_MAXIMUM) : maximum;
}

/** What comes on top of the standard footprint when every workload has as many pods as it may, with pinning on. */
export function autoscalingFootprint(maximum: number): readonly Footprint[] {
  const metricsServer: Footprint = {
    pod: "metrics-server",
    replicas: 1,
    pinned: true,
    meshed: false,
    containers: { "metrics-server": METRICS_SERVER },
  };
  const more = WORKLOADS.flatMap((workload, index) => {
    const footprint = BOOKINFO_FOOTPRINT[index];
    if (!isScaled(workload) || footprint === undefined) return [];
    return [{ ...footprint, replicas: mostPods(workload, maximum, true) - replicas(workload, true) }];
  });
  return [metricsServer, ...more];
}
