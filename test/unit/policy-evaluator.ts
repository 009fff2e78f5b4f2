import ipaddr from "ipaddr.js";

import type { Run } from "./k8s-program";

interface Selector {
  matchLabels?: Record<string, string>;
}

interface Peer {
  namespaceSelector?: Selector;
  podSelector?: Selector;
  ipBlock?: { cidr: string; except?: string[] };
}

interface Rule {
  from?: Peer[];
  to?: Peer[];
  ports?: { protocol: string; port: number }[];
}

/** A NetworkPolicy as it goes to the API server. */
export interface PolicyObject {
  metadata: { name: string; namespace: string };
  spec: { podSelector: Selector; policyTypes: string[]; ingress?: Rule[]; egress?: Rule[] };
}

/** One end of a connection; outside the cluster and on a node's own network it has an address and no namespace. */
export interface End {
  address: string;
  namespace?: string;
  labels?: Record<string, string>;
}

export interface Call {
  from: End;
  to: End;
  port: number;
  protocol?: "TCP" | "UDP";
}

/** What a program's NetworkPolicies have as type, after `kubernetes:`. */
export const POLICY = "networking.k8s.io/v1:NetworkPolicy";

/** The NetworkPolicies that a run of the program made. */
export function policiesOf({ resources }: Run): PolicyObject[] {
  return resources
    .filter(({ type }) => type === `kubernetes:${POLICY}`)
    .map(({ inputs }) => inputs as unknown as PolicyObject);
}

/** A pod of a namespace, by its labels; its address is in no policy. */
export const pod = (namespace: string, labels: Record<string, string> = {}): End => ({
  address: "10.244.2.8",
  namespace,
  labels,
});

export const call = (from: End, to: End, port: number, protocol: Call["protocol"] = "TCP"): Call => ({
  from,
  to,
  port,
  protocol,
});

function selects({ matchLabels = {} }: Selector, labels: Record<string, string> = {}): boolean {
  return Object.entries(matchLabels).every(([name, value]) => labels[name] === value);
}

const within = (address: string, cidr: string): boolean => ipaddr.parse(address).match(ipaddr.parseCIDR(cidr));

function isPeer(peer: Peer, end: End, home: string): boolean {
  if (peer.ipBlock)
    return within(end.address, peer.ipBlock.cidr) && !peer.ipBlock.except?.some((cidr) => within(end.address, cidr));
  if (end.namespace === undefined) return false;
  const inNamespace = peer.namespaceSelector
    ? selects(peer.namespaceSelector, { "kubernetes.io/metadata.name": end.namespace })
    : end.namespace === home;
  return inNamespace && selects(peer.podSelector ?? {}, end.labels);
}

function letsThrough(policy: PolicyObject, direction: "Ingress" | "Egress", other: End, call: Call): boolean {
  const rules = (direction === "Ingress" ? policy.spec.ingress : policy.spec.egress) ?? [];
  return rules.some((rule) => {
    const peers = direction === "Ingress" ? rule.from : rule.to;
    const { protocol = "TCP" } = call;
    return (
      (!rule.ports || rule.ports.some((one) => one.port === call.port && one.protocol === protocol)) &&
      (!peers || peers.some((peer) => isPeer(peer, other, policy.metadata.namespace)))
    );
  });
}

function passes(policies: readonly PolicyObject[], direction: "Ingress" | "Egress", own: End, other: End, call: Call) {
  const those = policies.filter(
    ({ metadata, spec }) =>
      metadata.namespace === own.namespace &&
      spec.policyTypes.includes(direction) &&
      selects(spec.podSelector, own.labels),
  );
  return those.length === 0 || those.some((policy) => letsThrough(policy, direction, other, call));
}

/** Whether a connection may be opened, by the rules of Kubernetes' networking.k8s.io/v1. */
export function allows(policies: readonly PolicyObject[], call: Call): boolean {
  return passes(policies, "Egress", call.from, call.to, call) && passes(policies, "Ingress", call.to, call.from, call);
}
