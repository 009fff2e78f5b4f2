import { failedIds, failures, listed, type Diagnosis, type Names } from "./findings";
import type { CheckResult, Probe } from "./result";

/** What fails along with the way between nodes. A pinned or lucky pod may spare any of them. */
const CONSEQUENCES = [
  "pod-network",
  "services",
  "dns",
  "node-ports.remote",
  "webhook",
  "prometheus",
  "linkerd",
  "outside",
] as const;

/** Reasons that speak of packets that vanish rather than of a program that refuses. */
function vanished({ reason }: Probe): boolean {
  return reason === "timeout" || reason === "unreachable";
}

/** Faults of the way between nodes: closed ports, a node that is cut off, flannel or kube-proxy that don't run. */
export function networkFaults(checks: CheckResult[], names: Names): Diagnosis[] {
  const silent = silentNodes(checks, names);
  const flannel = flannelDown(checks);
  const pods = failures(checks, "pod-network.tcp").filter(vanished);
  const kubelets = kubeletTimeouts(checks);
  if (pods.length === 0 && kubelets.length === 0) return [...silent, ...flannel];
  if (flannel.length > 0 && kubelets.length === 0) return [...silent, ...flannel];
  const alone = kubelets.length === 0 || pods.length > 0 ? cutOffNode(checks, pods) : undefined;
  return [...silent, alone === undefined ? closedPorts(checks, pods, kubelets, names) : oneNode(checks, alone, names)];
}

/** The seeds' fault: the group lets in what comes from outside and nothing from the other nodes. */
function closedPorts(checks: CheckResult[], pods: Probe[], kubelets: string[], { stack }: Names): Diagnosis {
  const ports = [
    ...(pods.length > 0 ? ["UDP 8472 (VXLAN)"] : []),
    ...(kubelets.length > 0 ? ["TCP 10250 (kubelet)"] : []),
  ];
  const pairs = checks.find(({ id }) => id === "pod-network.tcp")?.probes.length ?? 0;
  const signs = [
    ...(pods.length > 0 ? [`${pods.length} of ${pairs} pairs of nodes get no packet from pod to pod`] : []),
    ...(kubelets.length > 0 ? [`the API server gets no answer from the kubelet of ${listed(kubelets)}`] : []),
  ];
  const verb = ports.length > 1 ? "are" : "is";
  return {
    id: pods.length > 0 && kubelets.length > 0 ? "node-to-node" : pods.length > 0 ? "vxlan" : "kubelet-port",
    cause: `node-to-node traffic is dropped: ${ports.join(" and ")} ${verb} closed in the security group (${signs.join("; ")})`,
    remedy:
      "the security group needs one ingress rule, all protocols, whose source is the group itself; the program has it: " +
      `pulumi up --refresh -s ${stack}`,
    explains: [
      ...(kubelets.length > 0 ? failedIds(checks, "kubelet") : []),
      ...(pods.length > 0 ? failedIds(checks, ...CONSEQUENCES) : failedIds(checks, "webhook", "prometheus")),
    ],
  };
}

function oneNode(checks: CheckResult[], node: string, { stack }: Names): Diagnosis {
  return {
    id: "cut-off-node",
    cause: `node ${node} is cut off: every pair of nodes with it gets no packet through, all others do`,
    remedy:
      `look whether ${node} has the cluster's security group and whether flannel runs there: ` +
      `kubectl -n kube-flannel get pods -o wide; pulumi up --refresh -s ${stack}`,
    explains: failedIds(checks, "kubelet", ...CONSEQUENCES),
  };
}

/** The node that all failing pairs have in common while the others, at least two nodes, still talk. */
function cutOffNode(checks: CheckResult[], pods: Probe[]): string | undefined {
  const all = checks.find(({ id }) => id === "pod-network.tcp")?.probes ?? [];
  const nodes = new Set(all.map(({ from }) => from ?? ""));
  if (nodes.size < 3 || pods.length === 0) return undefined;
  return [...nodes].find((node) => {
    const withNode = all.filter(({ from, to }) => from === node || to === node);
    return withNode.every((pair) => pods.includes(pair)) && withNode.length === pods.length;
  });
}

/** Nodes of which the kubelet gave no answer to any of exec, logs and port-forward. */
function kubeletTimeouts(checks: CheckResult[]): string[] {
  const exec = failures(checks, "kubelet.exec").filter(vanished);
  const logs = failures(checks, "kubelet.logs").filter(vanished);
  return exec.map(({ to = "" }) => to).filter((node) => logs.some(({ to }) => to === node));
}

function silentNodes(checks: CheckResult[], { stack }: Names): Diagnosis[] {
  const nodes = [...failures(checks, "nodes.heartbeat"), ...failures(checks, "nodes.ready")].map(({ to = "" }) => to);
  const silent = new Set(failures(checks, "nodes.heartbeat").map(({ to = "" }) => to));
  if (nodes.length === 0) return [];
  const isSilent = silent.size > 0;
  return [
    {
      id: isSilent ? "silent-node" : "node-not-ready",
      cause: isSilent
        ? `the kubelet of ${listed(silent)} no longer reports: the machine is down, or TCP 6443 between it and the control plane is closed in the security group`
        : `node ${listed(nodes)} is not Ready: ${failures(checks, "nodes.ready")[0]?.detail ?? ""}`,
      remedy: isSilent
        ? `pulumi up --refresh -s ${stack}; if the machine runs: ssh to it, journalctl -u kubelet -n 50`
        : `kubectl describe node ${nodes[0]}; on the node: journalctl -u kubelet -u containerd -n 50`,
      explains: failedIds(checks, "nodes", "system", "prometheus.targets", "linkerd", "outside"),
    },
  ];
}

function flannelDown(checks: CheckResult[]): Diagnosis[] {
  const pods = failures(checks, "system.flannel");
  if (pods.length === 0) return [];
  const nodes = listed(pods.map(({ data }) => String(data?.node ?? "a node")));
  return [
    {
      id: "flannel",
      cause: `flannel doesn't run on ${nodes}: ${pods[0]?.detail ?? ""}`,
      remedy: "kubectl -n kube-flannel logs ds/kube-flannel-ds --all-containers --tail=30",
      explains: failedIds(checks, "system.flannel", "nodes", "test-pods", ...CONSEQUENCES),
    },
  ];
}
