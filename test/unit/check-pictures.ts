import { checkOf, skipped, type CheckResult, type GroupId, type Probe, type Reason } from "../../check/result";

/** The cluster of all pictures: the nodes' names of the real one. */
export const CONTROL_PLANE = "control-plane";
export const WORKERS = ["worker-1", "worker-2"];
export const NODES = [CONTROL_PLANE, ...WORKERS];

const PAIRS = NODES.flatMap((from) => NODES.filter((to) => to !== from).map((to) => ({ from, to })));

function check(id: string, probes: Probe[]): CheckResult {
  return checkOf({ group: id.split(".")[0] as GroupId, id, title: id }, probes);
}

function perNode(id: string): CheckResult {
  return check(
    id,
    NODES.map((node) => ({ subject: node, to: node, ok: true })),
  );
}

function perSource(id: string): CheckResult {
  return check(
    id,
    NODES.map((node) => ({ subject: node, from: node, ok: true })),
  );
}

function perPair(id: string): CheckResult {
  return check(
    id,
    PAIRS.map(({ from, to }) => ({ subject: `${from} → ${to}`, from, to, ok: true })),
  );
}

/** A pod of the mesh as the Linkerd group reports it. */
export function meshPod(subject: string, data: Partial<Record<string, string | boolean>> = {}, ok = true): Probe {
  return {
    subject,
    ok,
    ...(ok ? {} : { reason: "not-ready" as const, detail: String(data.status) }),
    data: { ready: "2/2", status: "Running", proxy: "native", component: "", onControlPlane: false, ...data },
  };
}

/** Linkerd's three deployments, placed on one node or wherever. */
export function controlPlanePods(stuck: Partial<Record<string, string | boolean>> | undefined, onControlPlane = false) {
  return [
    meshPod("linkerd/linkerd-identity-1", { component: "identity", onControlPlane }),
    meshPod("linkerd/linkerd-destination-1", { component: "destination", onControlPlane, ...stuck }, !stuck),
    meshPod("linkerd/linkerd-proxy-injector-1", { component: "proxy-injector", onControlPlane, ...stuck }, !stuck),
  ];
}

const MESHED = ["bookinfo/details-v1-1", "bookinfo/productpage-v1-1", "bookinfo/reviews-v1-1"];

/** Everything passes. */
export function healthy(): CheckResult[] {
  return [
    ...["nodes.ready", "nodes.heartbeat", "nodes.pressure", "nodes.versions"].map(perNode),
    ...["system.control-plane", "system.kube-proxy", "system.coredns", "system.flannel"].map(perNode),
    perNode("test-pods.running"),
    ...["kubelet.exec", "kubelet.logs", "kubelet.port-forward"].map(perNode),
    ...["pod-network.tcp", "pod-network.udp"].map(perPair),
    perNode("pod-network.api-server"),
    ...["services.cluster-ip", "dns.kubernetes", "dns.service", "node-ports.remote", "node-ports.local"].map(perSource),
    check("webhook.admission", [{ subject: "API server → worker-1", to: "worker-1", ok: true }]),
    check("network-policies.enforced", [
      { subject: "worker-1 → monitoring/prometheus-0", from: "worker-1", to: "control-plane", ok: true },
    ]),
    check("prometheus.targets", [{ subject: "node-exporter 10.0.2.10:9100", ok: true }]),
    check("prometheus.queries", [{ subject: "up", ok: true }]),
    check("prometheus.dashboards", [{ subject: "CoreDNS", ok: true }]),
    check("linkerd.control-plane", controlPlanePods(undefined, true)),
    check("linkerd.issuer", [{ subject: "linkerd-identity-issuer", ok: true }]),
    check("linkerd.injector", [{ subject: "API server → proxy-injector", ok: true }]),
    check(
      "linkerd.proxies",
      MESHED.map((pod) => meshPod(pod)),
    ),
    check(
      "linkerd.ready",
      MESHED.map((pod) => meshPod(pod)),
    ),
    check("linkerd.mtls", [{ subject: "mTLS", ok: true }]),
    check("outside.grafana", [{ subject: "http://203.0.113.10:30300/", ok: true }]),
    check("outside.bookinfo", [{ subject: "http://203.0.113.10:30080/productpage", ok: true }]),
  ];
}

/** The same checks with another set of probes in one of them. */
export function withProbes(checks: CheckResult[], id: string, probes: Probe[]): CheckResult[] {
  return checks.map((candidate) => (candidate.id === id ? check(id, probes) : candidate));
}

/** The same checks, with the probes of one of them failing that the condition picks. */
export function failing(
  checks: CheckResult[],
  id: string,
  picks: (probe: Probe) => boolean = () => true,
  reason: Reason = "timeout",
  detail = "no answer within 5 s",
): CheckResult[] {
  const probes = checks.find((candidate) => candidate.id === id)?.probes ?? [];
  return withProbes(
    checks,
    id,
    probes.map((probe) => (picks(probe) ? { ...probe, ok: false, reason, detail } : probe)),
  );
}

/** Without Linkerd: its checks are skipped. */
export function withoutMesh(checks: CheckResult[]): CheckResult[] {
  return checks.map((candidate) => (candidate.group === "linkerd" ? skipped(candidate, "isn't installed") : candidate));
}

const onWorker = ({ to = "" }: Probe): boolean => WORKERS.includes(to);
const fromWorker = ({ from = "" }: Probe): boolean => WORKERS.includes(from);

/**
 * The outcome that the prototype recorded under the users' first security group, which knows no rule for the nodes
 * themselves: the nodes are Ready, everything between them times out, DNS works where CoreDNS is.
 */
export function closedSecurityGroup(checks = healthy()): CheckResult[] {
  let picture = checks;
  for (const id of ["kubelet.exec", "kubelet.logs", "kubelet.port-forward", "pod-network.api-server"])
    picture = failing(picture, id, onWorker);
  for (const id of ["pod-network.tcp", "pod-network.udp", "services.cluster-ip", "node-ports.remote"])
    picture = failing(picture, id);
  for (const id of ["dns.kubernetes", "dns.service"])
    picture = failing(picture, id, fromWorker, "dns", "DNS: i/o timeout");
  return failing(picture, "webhook.admission");
}
