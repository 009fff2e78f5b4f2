import type { V1ConfigMap, V1Lease, V1Namespace, V1Node, V1Pod, V1Service } from "@kubernetes/client-node";
import { parse } from "yaml";

import type { Api } from "./api";

/** A node as the check sees it. */
export interface ClusterNode {
  name: string;
  /** Internal address. */
  address: string;
  controlPlane: boolean;
  ready: boolean;
  /** Seconds since the kubelet last renewed its lease, by the API server's clock; undefined without a lease. */
  silentFor?: number;
  kubeletVersion: string;
  node: V1Node;
}

/** What the API server says of the cluster at one moment. */
export interface Cluster {
  server: string;
  version: string;
  nodes: ClusterNode[];
  pods: V1Pod[];
  services: V1Service[];
  namespaces: V1Namespace[];
  /** Without a dot at the end; `cluster.local` unless kubeadm's configuration says otherwise. */
  dnsDomain: string;
}

/** A kubelet renews its lease every 10 s; after two missed ones the node counts as silent, before Kubernetes says so. */
export const SILENT_AFTER = 25;

/** @throws whatever the API server answers, if it doesn't answer at all or the user may not read the cluster */
export async function readCluster(api: Api): Promise<Cluster> {
  const list = async <T>(path: string): Promise<T[]> => (await api.get<{ items: T[] }>(path)).items;
  const [version, now, nodes, leases, pods, services, namespaces, dnsDomain] = await Promise.all([
    api.get<{ gitVersion: string }>("/version"),
    api.request("GET", "/readyz").then(({ date }) => date),
    list<V1Node>("/api/v1/nodes"),
    list<V1Lease>("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"),
    list<V1Pod>("/api/v1/pods"),
    list<V1Service>("/api/v1/services"),
    list<V1Namespace>("/api/v1/namespaces"),
    readDnsDomain(api),
  ]);
  const renewals = new Map(leases.map((lease) => [lease.metadata?.name, lease.spec?.renewTime]));
  return {
    server: api.server,
    version: version.gitVersion,
    nodes: nodes
      .map((node) => clusterNode(node, renewals.get(node.metadata?.name), now))
      .sort((a, b) => Number(b.controlPlane) - Number(a.controlPlane) || a.name.localeCompare(b.name)),
    pods,
    services,
    namespaces,
    dnsDomain,
  };
}

function clusterNode(node: V1Node, renewed: Date | string | undefined, now: Date): ClusterNode {
  const name = node.metadata?.name ?? "";
  const silentFor = renewed === undefined ? undefined : (now.getTime() - new Date(renewed).getTime()) / 1000;
  return {
    name,
    address: node.status?.addresses?.find(({ type }) => type === "InternalIP")?.address ?? "",
    controlPlane: node.metadata?.labels?.["node-role.kubernetes.io/control-plane"] !== undefined,
    ready: node.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false,
    ...(silentFor === undefined ? {} : { silentFor }),
    kubeletVersion: node.status?.nodeInfo?.kubeletVersion ?? "unknown",
    node,
  };
}

/** Nodes on which test pods can run and whose kubelet reports what becomes of them. */
export function usableNodes({ nodes }: Cluster): ClusterNode[] {
  return nodes.filter(({ ready, silentFor = 0 }) => ready && silentFor < SILENT_AFTER);
}

async function readDnsDomain(api: Api): Promise<string> {
  try {
    const { data } = await api.get<V1ConfigMap>("/api/v1/namespaces/kube-system/configmaps/kubeadm-config");
    const configuration = parse(data?.ClusterConfiguration ?? "") as { networking?: { dnsDomain?: string } } | null;
    return configuration?.networking?.dnsDomain ?? "cluster.local";
  } catch {
    // Not made by kubeadm, or not for this user to read.
    return "cluster.local";
  }
}
