import type { V1Pod, V2HorizontalPodAutoscaler } from "@kubernetes/client-node";
import { setTimeout as sleep } from "node:timers/promises";

import { ApiError, type Api } from "../api";
import type { Cluster } from "../cluster";
import type { Context, Group } from "../context";
import { isReady } from "../pod-status";
import { checkOf, failed, since, type CheckHeader, type CheckResult, type Probe } from "../result";

const METRICS = "/apis/metrics.k8s.io/v1beta1";
const API_SERVICE = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io";
const AUTOSCALERS = "/apis/autoscaling/v2/horizontalpodautoscalers";

/** A pod is measured twice, 15 s apart, before it has a figure; autoscalers look every 15 s. */
const SETTLE = 60_000;
/** Seconds after which a pod has to have its figures. */
const OLD = 60;

interface Measured {
  metadata: { name: string; namespace?: string };
}

/** Off by default, so that a cluster without it has nothing to say. */
export const autoscaling: Group = {
  id: "autoscaling",
  async run({ api, cluster }: Context): Promise<CheckResult[]> {
    if (!(await isInstalled(api))) return [];
    const group = "autoscaling" as const;
    const metrics = { group, id: "autoscaling.metrics", title: "every node and pod is measured" };
    const figures = { group, id: "autoscaling.figures", title: "every autoscaler has its figure" };
    return Promise.all([
      untilGood(metrics, () => askMetrics(api, cluster)),
      untilGood(figures, async () => {
        const { items } = await api.get<{ items: V2HorizontalPodAutoscaler[] }>(AUTOSCALERS);
        return items.map(autoscalerProbe);
      }),
    ]);
  },
};

async function isInstalled(api: Api): Promise<boolean> {
  try {
    await api.get(API_SERVICE);
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return false;
    throw error;
  }
}

/** What has just been made has no figures yet: asked again for a minute, the last answer counts. */
async function untilGood(header: CheckHeader, ask: () => Promise<Probe[]>): Promise<CheckResult> {
  const start = performance.now();
  for (;;) {
    const over = performance.now() - start > SETTLE;
    try {
      const probes = await ask();
      if (over || probes.every(({ ok }) => ok)) return checkOf({ ...header, seconds: since(start) }, probes);
    } catch (error) {
      if (over) return failed({ ...header, seconds: since(start) }, error);
    }
    await sleep(1000);
  }
}

async function askMetrics(api: Api, cluster: Cluster): Promise<Probe[]> {
  const list = async (what: string) => (await api.get<{ items: Measured[] }>(`${METRICS}/${what}`)).items;
  const [nodes, pods] = await Promise.all([list("nodes"), list("pods")]);
  return measureProbes(cluster, nodes, pods);
}

/** One probe a node, and one for each pod that ought to have figures. */
export function measureProbes(
  { nodes, pods }: Pick<Cluster, "nodes" | "pods">,
  measuredNodes: readonly Measured[],
  measuredPods: readonly Measured[],
  now = new Date(),
): Probe[] {
  const name = ({ metadata }: Measured) => `${metadata.namespace}/${metadata.name}`;
  const known = new Set([...measuredNodes.map(({ metadata }) => metadata.name), ...measuredPods.map(name)]);
  const wanted = [...nodes.map((node) => node.name), ...pods.filter((pod) => isSettled(pod, now)).map(podName)];
  return wanted.map((subject) =>
    known.has(subject)
      ? { subject, ok: true }
      : { subject, ok: false, reason: "missing", detail: "metrics-server has no figures of it" },
  );
}

const podName = ({ metadata }: V1Pod): string => `${metadata?.namespace}/${metadata?.name}`;

function isSettled(pod: V1Pod, now: Date): boolean {
  const started = new Date(pod.status?.startTime ?? now);
  // A Job's pod is done, and nothing of it is measured any more.
  return pod.status?.phase === "Running" && isReady(pod) && now.getTime() - started.getTime() > OLD * 1000;
}

/** Whether an autoscaler knows what its pods use; if not, it says itself why. */
export function autoscalerProbe({ metadata, spec, status }: V2HorizontalPodAutoscaler): Probe {
  const subject = `${metadata?.namespace}/${metadata?.name}`;
  const figure = status?.currentMetrics?.map((metric) => metric.containerResource?.current ?? metric.resource?.current);
  const use = figure?.find((current) => current?.averageUtilization !== undefined)?.averageUtilization;
  if (use !== undefined) {
    const pods = `${status?.currentReplicas ?? 0} of ${spec?.minReplicas ?? 1} to ${spec?.maxReplicas ?? 1} pods`;
    return { subject, ok: true, detail: `${use} % of the CPU asked for, ${pods}` };
  }
  const active = status?.conditions?.find(({ type }) => type === "ScalingActive");
  return { subject, ok: false, reason: "missing", detail: active?.message ?? "it has not looked yet" };
}
