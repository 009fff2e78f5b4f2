import { failedIds, failures, listed, type Diagnosis, type Names } from "./findings";
import type { CheckResult, Probe } from "./result";

type Rule = (checks: CheckResult[], names: Names) => Diagnosis | undefined;

/** Faults of one component while the way between the nodes is open. */
export function singleFaults(checks: CheckResult[], names: Names): Diagnosis[] {
  return RULES.map((rule) => rule(checks, names)).filter((diagnosis) => diagnosis !== undefined);
}

const RULES: Rule[] = [
  testPods,
  kubelets,
  kubeProxy,
  dns,
  webhook,
  networkPolicies,
  targets,
  injector,
  issuer,
  readiness,
  outside,
  prometheusMissing,
];

function testPods(checks: CheckResult[]): Diagnosis | undefined {
  const pods = failures(checks, "test-pods.running");
  if (pods.length === 0) return undefined;
  const pulling = pods.filter(({ detail = "" }) => /ErrImage|ImagePull|pull/.test(detail));
  return {
    id: pulling.length > 0 ? "image-pull" : "test-pods",
    cause:
      pulling.length > 0
        ? `${nodesOf(pulling)} cannot pull the test image: ${pulling[0]?.detail ?? ""}`
        : `no test pod runs on ${nodesOf(pods)}: ${pods[0]?.detail ?? ""}`,
    remedy:
      pulling.length > 0
        ? "the node needs a way to registry.k8s.io, or daybreak:imageMirror a mirror that has the image"
        : `on the node: journalctl -u kubelet -u containerd -n 50; kubectl describe node ${pods[0]?.to ?? ""}`,
    explains: failedIds(checks, "test-pods"),
  };
}

function kubelets(checks: CheckResult[]): Diagnosis | undefined {
  const probes = ["exec", "logs", "port-forward"].flatMap((way) => failures(checks, `kubelet.${way}`));
  if (probes.length === 0) return undefined;
  return {
    id: "kubelet",
    cause: `the kubelet of ${nodesOf(probes)} answers, but not with what was asked: ${probes[0]?.detail ?? ""}`,
    remedy: "on that node: journalctl -u kubelet -n 50; on the control plane: crictl logs of kube-apiserver",
    explains: failedIds(checks, "kubelet"),
  };
}

function kubeProxy(checks: CheckResult[]): Diagnosis | undefined {
  const ids = failedIds(checks, "system.kube-proxy", "services", "node-ports");
  if (ids.length === 0 || failedIds(checks, "pod-network.tcp").length > 0) return undefined;
  const probes = ids.flatMap((id) => failures(checks, id));
  return {
    id: "kube-proxy",
    cause: `pods reach one another but not the Services: kube-proxy has no rules on ${nodesOf(probes)} (${probes[0]?.detail ?? ""})`,
    remedy: "kubectl -n kube-system logs ds/kube-proxy --tail=30; kubectl -n kube-system rollout restart ds/kube-proxy",
    explains: ids,
  };
}

function dns(checks: CheckResult[]): Diagnosis | undefined {
  const probes = [...failures(checks, "dns.kubernetes"), ...failures(checks, "dns.service")];
  const coredns = failures(checks, "system.coredns");
  if (probes.length + coredns.length === 0) return undefined;
  const where = checks.find(({ id }) => id === "system.coredns")?.detail ?? "";
  const text =
    coredns.length > 0
      ? `CoreDNS is not Ready: ${coredns[0]?.detail ?? ""}`
      : `${nodesOf(probes)} gets no answer from CoreDNS (${where}): ${probes[0]?.detail ?? ""}`;
  return {
    id: "dns",
    cause: text,
    remedy:
      "kubectl -n kube-system logs deployment/coredns --tail=30; kubectl -n kube-system rollout restart deployment/coredns",
    explains: failedIds(checks, "dns", "system.coredns"),
  };
}

function webhook(checks: CheckResult[]): Diagnosis | undefined {
  const [probe] = failures(checks, "webhook.admission");
  if (probe === undefined) return undefined;
  return {
    id: "webhook",
    cause: `the API server cannot call a webhook on ${probe.to ?? "a worker"}: ${probe.detail ?? ""}; Linkerd's injector and the Prometheus operator's webhook will fail the same way`,
    remedy: "the control plane's own node must reach pods elsewhere: look at flannel and kube-proxy there",
    explains: failedIds(checks, "webhook", "linkerd.injector"),
  };
}

function networkPolicies(checks: CheckResult[]): Diagnosis | undefined {
  const probes = failures(checks, "network-policies.enforced");
  if (probes.length === 0) return undefined;
  const nodes = [...new Set(probes.flatMap(({ to }) => to ?? []))];
  return {
    id: "network-policies",
    cause: `network policies are not enforced on ${listed(nodes)}: ${probes[0]?.detail ?? ""}`,
    remedy:
      "kubectl -n network-policy get pods -o wide; kubectl -n network-policy logs ds/kube-network-policies --tail=30",
    explains: failedIds(checks, "network-policies"),
  };
}

function targets(checks: CheckResult[]): Diagnosis | undefined {
  const probes = failures(checks, "prometheus.targets");
  const down = probes.filter(({ reason }) => reason === "down");
  if (down.length > 0)
    return {
      id: "targets-down",
      cause: `Prometheus cannot scrape ${listed(down.slice(0, 5).map(({ subject }) => subject))}: ${down[0]?.detail ?? ""}`,
      remedy:
        controlPlaneMetrics(down) ?? "kubectl -n monitoring get pods -o wide; open the target's page in Prometheus",
      explains: failedIds(checks, "prometheus.targets", "prometheus.dashboards"),
    };
  const few = probes.find(({ reason }) => reason === "missing");
  if (few === undefined) return undefined;
  return {
    id: "targets-few",
    cause: `Prometheus has too few targets (${few.detail ?? ""}): ServiceMonitors are not selected, or their components not installed`,
    remedy:
      "serviceMonitorSelectorNilUsesHelmValues and podMonitorSelectorNilUsesHelmValues must be false; kubectl get servicemonitors -A",
    explains: failedIds(checks, "prometheus.targets", "prometheus.dashboards"),
  };
}

/** kubeadm lets them listen on loopback only, unless told otherwise. */
function controlPlaneMetrics(down: Probe[]): string | undefined {
  const jobs = /kube-controller-manager|kube-scheduler|kube-etcd|kube-proxy/;
  const ofControlPlane = down.every(
    ({ subject, reason, detail = "" }) => jobs.test(subject) && reason === "down" && /refused/.test(detail),
  );
  return ofControlPlane
    ? "they listen on loopback: kubeadm's configuration needs bind-address, listen-metrics-urls and metricsBindAddress"
    : undefined;
}

function injector(checks: CheckResult[]): Diagnosis | undefined {
  const [probe] = failures(checks, "linkerd.injector");
  if (probe === undefined) return undefined;
  return {
    id: "injector",
    cause: `new pods would run without a mesh: ${probe.detail ?? ""}`,
    remedy:
      "kubectl -n linkerd logs deployment/linkerd-proxy-injector --all-containers --tail=30; afterwards kubectl rollout restart what was made meanwhile",
    explains: failedIds(checks, "linkerd.injector"),
  };
}

function issuer(checks: CheckResult[], { stack }: Names): Diagnosis | undefined {
  const [probe] = failures(checks, "linkerd.issuer");
  if (probe === undefined) return undefined;
  return {
    id: "issuer",
    cause: `the mesh's identity issuer is no good: ${probe.detail ?? ""}; proxies cannot renew their certificates`,
    remedy: `pulumi up -s ${stack}-k8s makes a new one; then kubectl -n linkerd rollout restart deployment`,
    explains: failedIds(checks, "linkerd.issuer", "linkerd.ready", "linkerd.control-plane"),
  };
}

function readiness(checks: CheckResult[]): Diagnosis | undefined {
  const ids = failedIds(checks, "linkerd.control-plane", "linkerd.ready", "system.control-plane");
  const [probe] = ids.flatMap((id) => failures(checks, id));
  if (probe === undefined) return undefined;
  const [namespace, name] = probe.subject.split("/");
  return {
    id: "not-ready",
    cause: `${probe.subject} is not Ready: ${probe.detail ?? ""}`,
    remedy: `kubectl -n ${namespace} describe pod ${name}; kubectl -n ${namespace} logs ${name} --all-containers --tail=30`,
    explains: ids,
  };
}

function outside(checks: CheckResult[], { stack }: Names): Diagnosis | undefined {
  const ids = failedIds(checks, "outside");
  const probes = ids.flatMap((id) => failures(checks, id));
  const [first] = probes;
  if (first === undefined) return undefined;
  const closed = probes.every(({ reason }) => reason === "timeout");
  const unknown = probes.find(({ reason }) => reason === "dns");
  return {
    id: closed ? "outside-closed" : "outside",
    cause: closed
      ? `${listed(probes.map(({ subject }) => subject))}: no packet comes back, though the cluster is well inside: the security group closes the NodePorts to this machine`
      : `${first.subject}: ${first.detail ?? ""}`,
    remedy: closed
      ? `daybreak:nodePortCidrs must cover this machine's address: pulumi config get daybreak:nodePortCidrs -s ${stack}`
      : unknown
        ? `${new URL(unknown.subject).hostname} has to lead to a node's public address: a DNS record, or a line of /etc/hosts`
        : "kubectl get pods -A -o wide shows whether what stands behind it is Ready",
    explains: ids,
  };
}

function prometheusMissing(checks: CheckResult[]): Diagnosis | undefined {
  const ids = failedIds(checks, "prometheus.queries", "prometheus.dashboards");
  const [probe] = ids.flatMap((id) => failures(checks, id));
  if (probe === undefined) return undefined;
  return {
    id: "prometheus",
    cause: `Prometheus: ${probe.subject}: ${probe.detail ?? ""}`,
    remedy:
      "a new platform has its first data after one scrape interval (5 s; 30 s by the chart's default); else kubectl -n monitoring get servicemonitors",
    explains: ids,
  };
}

function nodesOf(probes: Probe[]): string {
  return listed(probes.map(({ to, from, subject }) => from ?? to ?? subject));
}
