import type { Budget, Footprint } from "../budget";
import { BOOKINFO_FOOTPRINT } from "../bookinfo/footprint";
import { replicas } from "../bookinfo/resilience";
import { isPinned, isScaled, WORKLOADS } from "../bookinfo/services";

/** Three nodes and some sixty pods; upstream's own figure, 100 and 200 MiB, is for a hundred nodes. */
export const METRICS_SERVER: Budget = { cpu: 20, memory: 48, memoryLimit: 160 };

/** Pods of productpage that the control-plane node has room for beside everything that is pinned to it. */
export const PINNED_MAXIMUM = 3;

/** The bounds for one workload, which never has fewer pods than it would have without an autoscaler. */
export interface Bounds {
  minimum: number;
  maximum: number;
}

/** What the configuration says of every workload, as it applies to this one. */
export function boundsOf(workload: (typeof WORKLOADS)[number], wanted: Bounds, pinToControlPlane: boolean): Bounds {
  const most = pinToControlPlane && isPinned(workload) ? PINNED_MAXIMUM : Infinity;
  const minimum = Math.min(most, Math.max(wanted.minimum, replicas(workload, pinToControlPlane)));
  return { minimum, maximum: Math.max(minimum, Math.min(most, wanted.maximum)) };
}

/** What comes on top of the standard footprint when every workload has as many pods as it may, with pinning on. */
export function autoscalingFootprint(wanted: Bounds): readonly Footprint[] {
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
    return [{ ...footprint, replicas: boundsOf(workload, wanted, true).maximum - replicas(workload, true) }];
  });
  return [metricsServer, ...more];
}
