import type { V1Pod } from "@kubernetes/client-node";

import type { Context, Group } from "../context";
import { isReady, podReason, podStatus, readyColumn } from "../pod-status";
import { checkOf, type CheckResult, type Probe } from "../result";

/** What every kubeadm cluster with flannel runs, and how its pods are told. */
const COMPONENTS: { id: string; title: string; namespace: string; labels: Record<string, string[]> }[] = [
  {
    id: "system.control-plane",
    title: "API server, controllers, scheduler and etcd are Ready",
    namespace: "kube-system",
    labels: { component: ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"] },
  },
  {
    id: "system.kube-proxy",
    title: "kube-proxy is Ready",
    namespace: "kube-system",
    labels: { "k8s-app": ["kube-proxy"] },
  },
  { id: "system.coredns", title: "CoreDNS is Ready", namespace: "kube-system", labels: { "k8s-app": ["kube-dns"] } },
  {
    id: "system.flannel",
    title: "flannel is Ready",
    namespace: "kube-flannel",
    labels: { app: ["flannel"], "k8s-app": ["flannel"] },
  },
];

export const system: Group = {
  id: "system",
  async run({ cluster }: Context): Promise<CheckResult[]> {
    return COMPONENTS.map(({ id, title, namespace, labels }) => {
      const pods = cluster.pods.filter(
        ({ metadata }) =>
          metadata?.namespace === namespace &&
          Object.entries(labels).some(([key, values]) => values.includes(metadata.labels?.[key] ?? "")),
      );
      const absent = `no such pods in ${namespace}`;
      const nodes = [...new Set(pods.map(({ spec }) => spec?.nodeName ?? "no node"))].join(", ");
      const detail = pods.length === 0 ? absent : id === "system.coredns" ? `on ${nodes}` : undefined;
      return checkOf({ group: "system", id, title, ...(detail ? { detail } : {}) }, pods.map(podProbe));
    });
  },
};

/** A pod and whether it is Ready, with what kubectl would show in its READY and STATUS columns. */
export function podProbe(pod: V1Pod): Probe {
  const name = `${pod.metadata?.namespace}/${pod.metadata?.name}`;
  const data = { ready: readyColumn(pod), status: podStatus(pod), node: pod.spec?.nodeName ?? "" };
  if (isReady(pod)) return { subject: name, ok: true, data };
  const why = podReason(pod);
  const detail = `${data.ready} ${data.status} on ${data.node || "no node"}${why ? `: ${why}` : ""}`;
  return { subject: name, ok: false, reason: "not-ready", detail, data };
}
