import type { V1NetworkPolicy, V1Pod } from "@kubernetes/client-node";

import type { Api } from "../api";
import type { Cluster } from "../cluster";
import type { Context, Group } from "../context";
import { dialFrom } from "../dialer";
import { isReady } from "../pod-status";
import { checkOf, explain, since, skipped, type CheckResult, type Probe } from "../result";
import type { Agent, Testbed } from "../testbed";

const HEADER = {
  group: "network-policies",
  id: "network-policies.enforced",
  title: "a stranger's packets are dropped on every node",
} as const;

/** Namespaces of which no pod is anybody's business at the ports that it names. */
const SHUT = ["monitoring", "bookinfo"];

/** A pod that policies shut off from the test pods, and where it listens. */
export interface ShutPod {
  name: string;
  node: string;
  address: string;
  port: number;
}

export const networkPolicies: Group = {
  id: "network-policies",
  async run({ api, cluster, testbed }: Context): Promise<CheckResult[]> {
    const { items } = await api.get<{ items: V1NetworkPolicy[] }>("/apis/networking.k8s.io/v1/networkpolicies");
    const pods = shutPods(cluster, items);
    if (pods.length === 0) return [skipped(HEADER, "no pod has a policy that would shut it")];
    const bed = await testbed.catch(() => undefined);
    if (bed === undefined || bed.agents.length === 0) return [skipped(HEADER, "no test pod runs")];
    return [checkOf(HEADER, await Promise.all(pods.map((pod, index) => knock(api, bed, visitor(bed, index), pod))))];
  },
};

/** On each node one pod, as far as there is one. */
export function shutPods({ pods }: Pick<Cluster, "pods">, policies: readonly V1NetworkPolicy[]): ShutPod[] {
  const namespaces = policies.filter(deniesAll).map(({ metadata }) => metadata?.namespace ?? "");
  const shut = pods
    .filter(
      ({ metadata }) => SHUT.includes(metadata?.namespace ?? "") && namespaces.includes(metadata?.namespace ?? ""),
    )
    .flatMap((pod) => listening(pod) ?? []);
  return [...new Map(shut.map((pod) => [pod.node, pod])).values()];
}

function deniesAll({ spec }: V1NetworkPolicy): boolean {
  const everyPod = Object.keys(spec?.podSelector ?? {}).length === 0;
  return everyPod && (spec?.policyTypes?.includes("Ingress") ?? false) && !spec?.ingress?.length;
}

function listening(pod: V1Pod): ShutPod | undefined {
  const port = pod.spec?.containers.flatMap(({ ports = [] }) => ports)[0]?.containerPort;
  const { podIP: address } = pod.status ?? {};
  if (port === undefined || address === undefined || pod.spec?.hostNetwork || !isReady(pod)) return undefined;
  return { name: `${pod.metadata?.namespace}/${pod.metadata?.name}`, node: pod.spec?.nodeName ?? "", address, port };
}

const visitor = ({ agents }: Testbed, index: number): Agent => agents[index % agents.length] as Agent;

/** Only silence is as it should be: who refuses or answers has been reached. */
async function knock(api: Api, { namespace }: Testbed, from: Agent, pod: ShutPod): Promise<Probe> {
  const start = performance.now();
  const identity = { subject: `${from.node.name} → ${pod.name}`, from: from.node.name, to: pod.node };
  try {
    await dialFrom(api, namespace, from, { host: pod.address, port: pod.port, protocol: "tcp" });
    return {
      ...identity,
      ok: false,
      reason: "wrong-answer",
      detail: `port ${pod.port} answers`,
      seconds: since(start),
    };
  } catch (error) {
    const { reason, detail } = explain(error);
    if (reason === "timeout") return { ...identity, ok: true, seconds: since(start) };
    return { ...identity, ok: false, reason, detail: `port ${pod.port} is reached: ${detail}`, seconds: since(start) };
  }
}
