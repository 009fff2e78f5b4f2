import type { Context, Group } from "../context";
import type { Answers } from "../dialer";
import type { DialKind } from "../dials";
import { checkOf, skipped, type CheckHeader, type CheckResult, type GroupId } from "../result";

type Row = CheckHeader & { kind: DialKind | "reach" };

const ROWS: Row[] = [
  { group: "pod-network", id: "pod-network.tcp", title: "pod → pod over TCP, every pair of nodes", kind: "pod-tcp" },
  { group: "pod-network", id: "pod-network.udp", title: "pod → pod over UDP, every pair of nodes", kind: "pod-udp" },
  { group: "pod-network", id: "pod-network.api-server", title: "API server → pod", kind: "reach" },
  {
    group: "services",
    id: "services.cluster-ip",
    title: "ClusterIP with a backend on another node",
    kind: "cluster-ip",
  },
  { group: "dns", id: "dns.kubernetes", title: "kubernetes.default from every node", kind: "dns-kubernetes" },
  { group: "dns", id: "dns.service", title: "a Service of ours from every node", kind: "dns-service" },
  {
    group: "node-ports",
    id: "node-ports.remote",
    title: "NodePort through a node that doesn't run the pod",
    kind: "node-port-remote",
  },
  {
    group: "node-ports",
    id: "node-ports.local",
    title: "NodePort through the pod's own node",
    kind: "node-port-local",
  },
];

/** The groups that read what the test pods say of their connections. */
export const connections: Group[] = (["pod-network", "services", "dns", "node-ports"] as const).map(connectionGroup);

function connectionGroup(id: GroupId): Group {
  return {
    id,
    async run({ answers, cluster }: Context): Promise<CheckResult[]> {
      const known = await answers.catch(() => undefined);
      const single = cluster.nodes.length < 2;
      return ROWS.filter(({ group }) => group === id).map((row) => toCheck(row, known, single));
    },
  };
}

function toCheck({ kind, ...header }: Row, answers: Answers | undefined, single: boolean): CheckResult {
  if (answers === undefined) return skipped(header, "no test pod runs");
  if (kind === "reach") return checkOf(header, answers.reach);
  const dials = answers.dials.filter(({ dial }) => dial.kind === kind);
  const none = single ? "the cluster has only one node" : "test pods run on too few nodes";
  // A name is right as soon as it resolves: what stands behind it is another check's question.
  const isName = kind === "dns-kubernetes" || kind === "dns-service";
  const probes = dials.map(({ dial: _, ...probe }) => {
    const resolved = isName && !probe.ok && probe.reason !== "dns";
    return resolved ? { ...probe, ok: true, detail: `resolved, but: ${probe.detail ?? ""}` } : probe;
  });
  return checkOf({ ...header, ...(probes.length === 0 ? { detail: none } : {}) }, probes);
}
