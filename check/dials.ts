import { PORTS } from "./manifests";
import type { Agent, Testbed } from "./testbed";

/** What a dial is to prove. */
export type DialKind =
  "pod-tcp" | "pod-udp" | "cluster-ip" | "node-port-remote" | "node-port-local" | "dns-kubernetes" | "dns-service";

/** One connection to be tried from the test pod of a node. */
export interface Dial {
  kind: DialKind;
  /** Node names; `to` is the node of the pod that should answer. */
  from: string;
  to?: string;
  protocol: "tcp" | "udp";
  host: string;
  port: number;
  /** Host name of the pod that should answer; any answer will do where it is undefined. */
  expect?: string;
  subject: string;
}

/**
 * All dials of a check: every ordered pair of nodes over TCP and UDP; from every node a ClusterIP and a NodePort whose
 * backend is on the next node, the NodePort of its own backend, and two DNS names.
 *
 * A node asks for a NodePort at its own address: the port of the check is a random one, which no security group opens,
 * and what counts, the way from that node on to the backend, is the same.
 */
export function planDials({ agents }: Testbed, dnsDomain: string, namespace: string): Dial[] {
  return agents.flatMap((from, index) => {
    const next = agents[(index + 1) % agents.length];
    const remote = next === undefined || next === from ? [] : [clusterIp(from, next), nodePort(from, next)];
    const pairs = agents.filter((to) => to !== from).flatMap((to) => [pod(from, to, "tcp"), pod(from, to, "udp")]);
    return [...pairs, ...remote, nodePort(from, from), ...names(from, dnsDomain, namespace)];
  });
}

function pod(from: Agent, to: Agent, protocol: "tcp" | "udp"): Dial {
  return {
    kind: protocol === "tcp" ? "pod-tcp" : "pod-udp",
    ...route(from, to),
    protocol,
    host: to.podIp,
    port: protocol === "tcp" ? PORTS.http : PORTS.udp,
    expect: to.pod,
    subject: `${from.node.name} → ${to.node.name}`,
  };
}

function clusterIp(from: Agent, to: Agent): Dial {
  return {
    kind: "cluster-ip",
    ...route(from, to),
    protocol: "tcp",
    host: to.clusterIp,
    port: PORTS.http,
    expect: to.pod,
    subject: `${from.node.name} → backend on ${to.node.name}`,
  };
}

function nodePort(from: Agent, to: Agent): Dial {
  const local = from === to;
  return {
    kind: local ? "node-port-local" : "node-port-remote",
    ...route(from, to),
    protocol: "tcp",
    host: from.node.address,
    port: to.nodePort,
    expect: to.pod,
    subject: local ? from.node.name : `${from.node.name}, backend on ${to.node.name}`,
  };
}

/** Two names: the API server's, and a Service whose backend is on the same node, so that only DNS can fail. */
function names(from: Agent, dnsDomain: string, namespace: string): Dial[] {
  const dial = (kind: DialKind, name: string, port: number, expect?: string): Dial => ({
    kind,
    from: from.node.name,
    protocol: "tcp",
    // With the dot at the end the resolver asks for this name only, not for five others first.
    host: `${name}.svc.${dnsDomain}.`,
    port,
    ...(expect ? { expect } : {}),
    subject: from.node.name,
  });
  return [
    dial("dns-kubernetes", "kubernetes.default", 443),
    dial("dns-service", `${from.pod}.${namespace}`, PORTS.http, from.pod),
  ];
}

function route(from: Agent, to: Agent): { from: string; to: string } {
  return { from: from.node.name, to: to.node.name };
}
