import type { Api } from "../api";
import type { Cluster } from "../cluster";
import { meshPods, proxyKind } from "../mesh";
import { podStatus } from "../pod-status";
import type { Probe } from "../result";

/** What Prometheus reads, as its HTTP API says. */
export interface Target {
  health: "up" | "down" | "unknown";
  scrapeUrl: string;
  lastError: string;
  /** Of the form 5s. */
  scrapeInterval: string;
  labels: { job?: string; instance?: string; namespace?: string; pod?: string };
}

/** What has to be among the targets, by their jobs. Fewer than these say that a monitor or a whole part is missing. */
const PARTS: Record<string, RegExp> = {
  "API server": /^apiserver$/,
  etcd: /^kube-etcd$/,
  scheduler: /^kube-scheduler$/,
  "controller manager": /^kube-controller-manager$/,
  "kube-proxy": /^kube-proxy$/,
  kubelet: /^kubelet$/,
  CoreDNS: /^coredns$/,
  "node-exporter": /^node-exporter$/,
  "kube-state-metrics": /(^|-)kube-state-metrics$/,
  "Prometheus operator": /-operator$/,
  Prometheus: /-prometheus$/,
  Alertmanager: /-alertmanager$/,
  Grafana: /-grafana$/,
};

/** What has to be among them as well where a namespace is: it is there only if somebody turned that on. */
const EXTRAS: Record<string, Record<string, RegExp>> = {
  logs: { Loki: /^logs\/loki$/, "log agents": /^logs\/log-agent$/ },
  traces: { Jaeger: /^traces\/jaeger$/, "trace collector": /^traces\/trace-collector$/ },
};

/** A proxy's job, whatever the PodMonitor's namespace is. */
const PROXY_JOB = /(^|\/)linkerd-proxy$/;

/** @param base path of Prometheus' HTTP API */
export async function readTargets(api: Api, base: string): Promise<Target[]> {
  return (await api.get<{ data: { activeTargets: Target[] } }>(`${base}/targets?state=active`)).data.activeTargets;
}

export function targetProbe({ health, scrapeUrl, lastError, labels }: Target): Probe {
  const subject = `${labels.job ?? "?"} ${labels.instance ?? scrapeUrl}`;
  if (health === "up") return { subject, ok: true };
  if (health === "unknown") return { subject, ok: true, detail: "not asked yet" };
  return { subject, ok: false, reason: "down", detail: lastError || "down" };
}

/** Whether every part of the platform is read, and the proxy of every meshed pod that runs. */
export function partProbes(targets: readonly Target[], cluster: Cluster): Probe[] {
  const extras = cluster.namespaces.flatMap(({ metadata }) => Object.entries(EXTRAS[metadata?.name ?? ""] ?? {}));
  const parts = [...Object.entries(PARTS), ...extras].map(([subject, job]) =>
    readProbe(
      subject,
      targets.filter(({ labels }) => job.test(labels.job ?? "")),
    ),
  );
  const { pods, controlPlane } = meshPods(cluster);
  const proxies = [...controlPlane, ...pods]
    .filter((pod) => podStatus(pod) === "Running" && proxyKind(pod) !== "none")
    .map(({ metadata }) => {
      const { namespace, name } = metadata ?? {};
      const own = ({ labels }: Target) => labels.namespace === namespace && labels.pod === name;
      return readProbe(
        `proxy of ${namespace}/${name}`,
        targets.filter((target) => own(target) && PROXY_JOB.test(target.labels.job ?? "")),
      );
    });
  return [...parts, ...proxies];
}

function readProbe(subject: string, found: readonly Target[]): Probe {
  if (found.length > 0) return { subject, ok: true, detail: `${found.length}` };
  return { subject, ok: false, reason: "missing", detail: "not among the targets" };
}

/** What a question and a scrape may add to the age of a figure, in seconds. */
const ON_THE_WAY = 1;

/** Whether no job's newest figures are older than its slowest interval says. `ages`: seconds, by job. */
export function freshnessProbes(targets: readonly Target[], ages: ReadonlyMap<string, number>): Probe[] {
  const jobs = new Set(targets.map(({ labels }) => labels.job ?? "?"));
  return [...jobs].map((job) => {
    const own = targets.filter(({ labels }) => (labels.job ?? "?") === job);
    const age = ages.get(job) ?? Infinity;
    const interval = Math.max(...own.map(({ scrapeInterval }) => Number.parseFloat(scrapeInterval)));
    const detail = `${age.toFixed(1)} s old, read every ${interval} s`;
    if (!(age > interval + ON_THE_WAY)) return { subject: job, ok: true, detail };
    return { subject: job, ok: false, reason: "slow", detail };
  });
}
