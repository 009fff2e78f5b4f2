import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

/** Where the cluster's packets come from, as CIDRs. */
export interface ClusterNetwork {
  /** Addresses of all pods. */
  podCidr: string;
  /** The nodes' own addresses as a pod sees them: each one's private address, and its {@link hostBlock}. */
  hosts: readonly pulumi.Input<string>[];
}

export type Peer = k8s.types.input.networking.v1.NetworkPolicyPeer;
export type Port = k8s.types.input.networking.v1.NetworkPolicyPort;

const NAMESPACE = "kubernetes.io/metadata.name";

/** Pods of a namespace: all, or those with these labels. */
export function podsIn(namespace: string, labels?: Readonly<Record<string, string>>): Peer {
  return {
    namespaceSelector: { matchLabels: { [NAMESPACE]: namespace } },
    ...(labels && { podSelector: { matchLabels: { ...labels } } }),
  };
}

/** Pods of the policy's own namespace. */
export function neighbours(labels: Readonly<Record<string, string>> = {}): Peer {
  return { podSelector: { matchLabels: { ...labels } } };
}

/**
 * Any pod, by its address: also one that started a moment ago and that whoever enforces does not know by name yet. A
 * proxy's first call, for its certificate, would otherwise wait for a second attempt.
 */
export function anyPod({ podCidr }: ClusterNetwork): Peer {
  return { ipBlock: { cidr: podCidr } };
}

/** Whoever comes in through a node port of the node that runs the pod: users, load balancers, other nodes' processes. */
export function outside({ podCidr }: ClusterNetwork): Peer {
  return { ipBlock: { cidr: "0.0.0.0/0", except: [podCidr] } };
}

/** The nodes themselves: the API server that calls a webhook, and a node port of a node that does not run the pod. */
export function hosts(network: ClusterNetwork): Peer[] {
  return network.hosts.map((cidr) => ({ ipBlock: { cidr } }));
}

/**
 * The first two addresses of a node's pods' network, which no pod ever has: flannel's VXLAN device (.0), the source of
 * what the node's processes send to other nodes' pods and what its node ports masquerade as, and the bridge (.1).
 */
export function hostBlock(nodePodCidr: string): string {
  return nodePodCidr.replace(/\/\d+$/, "/31");
}

export const tcp = (port: number): Port => ({ protocol: "TCP", port });
export const udp = (port: number): Port => ({ protocol: "UDP", port });
