import type * as k8s from "@pulumi/kubernetes";

import type { LinkerdChannel } from "../../config/versions";
import { isPinned, type ServiceName, type Workload, WORKLOADS } from "./services";

type PodSpec = k8s.types.input.core.v1.PodSpec;
type DisruptionBudgetSpec = k8s.types.input.policy.v1.PodDisruptionBudgetSpec;

/**
 * How long a pod that is leaving goes on serving, in seconds: until every proxy and kube-proxy of the cluster has heard
 * that it is no endpoint any more. Measured: proxies hear of it within one second, kube-proxy on a busy node within
 * five. The images don't count on it: Python as a container's first process ignores SIGTERM, Liberty stops at once.
 */
export const SETTLE_SECONDS = 5;

/** For requests that were under way when the settling ended; productpage gives up on a call after 3 s. */
const FINISH_SECONDS = 5;

/** Seconds from the deletion of a pod to its end by force; what ignores SIGTERM takes all of them. */
export const GRACE_SECONDS = 20;

/** Whether the scheduler chooses the node. */
const isFree = (workload: Workload, pinToControlPlane: boolean): boolean => !(pinToControlPlane && isPinned(workload));

/**
 * Pods of a workload. Reviews runs in three versions, which stand in for one another. Every other service gets two pods,
 * so that the loss of a node leaves one; except on the control-plane node, where both would go together.
 */
export function replicas(workload: Workload, pinToControlPlane: boolean): number {
  return workload.service !== "reviews" && isFree(workload, pinToControlPlane) ? 2 : 1;
}

/** The new pod is ready before the old one goes. No pod of Bookinfo holds a port of its node, so there is room for both. */
export const ROLLING_UPDATE = { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };

/** How a container leaves: it serves on while it is being forgotten, and is told to end after that. */
export const LIFECYCLE = { preStop: { sleep: { seconds: SETTLE_SECONDS } } };

/**
 * What the mesh must know about how a pod leaves. Proxies of 2.14 are ordinary containers, told to end at the same moment
 * as the application, which then could neither be called nor call: these wait longer than it needs. Native sidecars of
 * the edge line end after the application by themselves, and its injector refuses a pod that asks for both.
 */
export function leavingAnnotations(channel: LinkerdChannel): Record<string, string> {
  if (channel === "edge") return {};
  const seconds = String(SETTLE_SECONDS + FINISH_SECONDS);
  return { "config.alpha.linkerd.io/proxy-wait-before-exit-seconds": seconds };
}

/** The pods of one service on different nodes where there are several; a wish, so that one worker will do. */
export function spread(workload: Workload, pinToControlPlane: boolean) {
  if (!isFree(workload, pinToControlPlane)) return {};
  const constraint = {
    maxSkew: 1,
    topologyKey: "kubernetes.io/hostname",
    whenUnsatisfiable: "ScheduleAnyway",
    // Without it the control-plane node would count as an empty one that wants its share.
    nodeTaintsPolicy: "Honor",
    labelSelector: { matchLabels: { app: workload.service } },
  };
  return { topologySpreadConstraints: [constraint] } satisfies Partial<PodSpec>;
}

/**
 * Says that a drain may take one pod of the service at a time; undefined for a service of a single pod, which a budget
 * would either not protect or never let go. Broken pods may always be taken: they would only hold up the drain.
 */
export function disruptionBudget(service: ServiceName, pinToControlPlane: boolean): DisruptionBudgetSpec | undefined {
  const workloads = WORKLOADS.filter((workload) => workload.service === service);
  const pods = workloads.reduce((sum, workload) => sum + replicas(workload, pinToControlPlane), 0);
  if (pods < 2) return undefined;
  return {
    maxUnavailable: 1,
    unhealthyPodEvictionPolicy: "AlwaysAllow",
    selector: { matchLabels: { app: service } },
  };
}
