import type { V1Service } from "@kubernetes/client-node";
import { setTimeout as sleep } from "node:timers/promises";

import { ApiError, type Api } from "../api";
import type { Cluster } from "../cluster";
import type { Context, Group } from "../context";
import {
  checkOf,
  explain,
  failed,
  probe,
  since,
  skipped,
  type CheckHeader,
  type CheckResult,
  type Probe,
} from "../result";
import { freshnessProbes, partProbes, readTargets, type Target, targetProbe } from "./targets";

/** A platform with fewer targets isn't whole: the users' own success criterion. */
const MIN_TARGETS = 15;
/** Seconds a query may take; the users' criterion too. */
const MAX_QUERY_SECONDS = 1;
/**
 * Its operator makes Prometheus when the release is installed already, and what is changed later is a Secret that the
 * kubelet looks after every 60 to 90 s; a new target is first asked within 30 s.
 */
const TARGETS_SETTLE = 120_000;
/** The slowest interval is 30 s: what missed its turn has had another by then, and a Prometheus that starts is there. */
const FIGURES_SETTLE = 60_000;

/** Queries of the kind that the dashboards make, over all there is. */
const QUERIES = [
  "sum by (job) (up)",
  "sum by (node) (rate(container_cpu_usage_seconds_total[5m]))",
  "histogram_quantile(0.99, sum by (le) (rate(apiserver_request_duration_seconds_bucket[5m])))",
];

/** A metric by which a dashboard shows data. */
const DASHBOARDS: Record<string, string> = {
  CoreDNS: "coredns_dns_requests_total",
  "Kubernetes API server": "apiserver_request_total",
  "Prometheus overview": "prometheus_tsdb_head_series",
};

/** Seconds between the newest figure of each job and now, by Prometheus' own clock. */
const AGES = "max by (job) (time() - timestamp(up))";

export const prometheus: Group = {
  id: "prometheus",
  async run({ api, cluster }: Context): Promise<CheckResult[]> {
    const group = "prometheus" as const;
    const base = prometheusPath(cluster);
    const targets = { group, id: "prometheus.targets", title: `${MIN_TARGETS} targets or more, none down` };
    const parts = { group, id: "prometheus.parts", title: "every part and every proxy is among them" };
    const freshness = { group, id: "prometheus.freshness", title: "figures are no older than their interval" };
    const queries = { group, id: "prometheus.queries", title: `queries take less than ${MAX_QUERY_SECONDS} s` };
    const dashboards = { group, id: "prometheus.dashboards", title: "the dashboards have data" };
    if (base === undefined) {
      const why = "Prometheus isn't installed: no Service with its labels";
      return [targets, parts, freshness, queries, dashboards].map((header) => skipped(header, why));
    }
    const first = await checkTargets(api, base, targets, cluster);
    if (first.targets === undefined)
      return [
        first.check,
        ...[parts, freshness, queries, dashboards].map((header) => skipped(header, "Prometheus doesn't answer")),
      ];
    return [
      first.check,
      checkOf(parts, partProbes(first.targets, cluster)),
      await checkFreshness(api, base, freshness, first.targets),
      checkOf(queries, await Promise.all(QUERIES.map((query) => timed(api, base, query)))),
      checkOf(
        dashboards,
        await Promise.all(Object.entries(DASHBOARDS).map(([name, m]) => hasData(api, base, name, m))),
      ),
    ];
  },
};

/** Path of Prometheus' HTTP API through the API server's service proxy, undefined if it isn't installed. */
export function prometheusPath({ services }: Pick<Cluster, "services">): string | undefined {
  const is = (labels: Record<string, string>) => (service: V1Service) =>
    Object.entries(labels).every(([key, value]) => service.metadata?.labels?.[key] === value);
  const service =
    services.find(is({ app: "kube-prometheus-stack-prometheus" })) ??
    services.find(is({ "operated-prometheus": "true" }));
  if (service === undefined) return undefined;
  const { namespace, name } = service.metadata ?? {};
  const port = service.spec?.ports?.find((candidate) => candidate.port === 9090) ?? service.spec?.ports?.[0];
  return `/api/v1/namespaces/${namespace}/services/${name}:${port?.port ?? 9090}/proxy/api/v1`;
}

/** A query's values; throws if Prometheus doesn't answer in 8 s. */
export async function query<Metric = object>(
  api: Api,
  base: string,
  text: string,
): Promise<{ value: number; metric: Metric }[]> {
  const answer = await api.get<{ data: { result: { metric: Metric; value: [number, string] }[] } }>(
    `${base}/query?query=${encodeURIComponent(text)}`,
  );
  return answer.data.result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
}

/** Without `targets` if Prometheus does not answer. */
async function checkTargets(
  api: Api,
  base: string,
  header: CheckHeader,
  cluster: Cluster,
): Promise<{ check: CheckResult; targets?: Target[] }> {
  const start = performance.now();
  try {
    const targets = await settled(() => readTargets(api, base), willDo(cluster), TARGETS_SETTLE);
    const up = targets.filter(({ health }) => health === "up").length;
    const detail = `${up} of ${targets.length} up`;
    const enough: Probe = {
      subject: "number of targets",
      ok: targets.length >= MIN_TARGETS,
      detail,
      reason: "missing",
    };
    const probes = [enough, ...targets.map(targetProbe)];
    return { check: checkOf({ ...header, detail, seconds: since(start) }, probes), targets };
  } catch (error) {
    const { detail } = explain(error);
    const message = `Prometheus doesn't answer through the API server: ${detail}`;
    return { check: failed({ ...header, seconds: since(start) }, new Error(message)) };
  }
}

/** Targets are new, or have just come up, for a while after everything else. */
function willDo(cluster: Cluster): (targets: Target[]) => boolean {
  return (targets) =>
    targets.length >= MIN_TARGETS &&
    targets.every(({ health }) => health === "up") &&
    partProbes(targets, cluster).every(({ ok }) => ok);
}

/** A target may miss its turn once on a busy machine, so that one old figure is asked for again. */
async function checkFreshness(api: Api, base: string, header: CheckHeader, targets: Target[]): Promise<CheckResult> {
  const start = performance.now();
  const ask = async () => {
    const ages = await query<{ job?: string }>(api, base, AGES);
    return freshnessProbes(targets, new Map(ages.map(({ metric, value }) => [metric.job ?? "?", value])));
  };
  try {
    const probes = await settled(ask, (all) => all.every(({ ok }) => ok));
    return checkOf({ ...header, seconds: since(start) }, probes);
  } catch (error) {
    return failed({ ...header, seconds: since(start) }, error);
  }
}

/**
 * Asks Prometheus again, while it starts, until the answer will do; the last answer or error after `limit` milliseconds.
 * @throws at once for what waiting does not heal
 */
export async function settled<T>(
  ask: () => Promise<T>,
  willDo: (answer: T) => boolean,
  limit = FIGURES_SETTLE,
): Promise<T> {
  const deadline = performance.now() + limit;
  for (;;) {
    const over = performance.now() > deadline;
    try {
      const answer = await ask();
      if (over || willDo(answer)) return answer;
    } catch (error) {
      if (over || !isStarting(error)) throw error;
    }
    await sleep(500);
  }
}

/** The API server's word for a Service without a ready pod, and Prometheus' own while it reads its log. */
function isStarting(error: unknown): boolean {
  return error instanceof ApiError && error.status === 503 && !/dial tcp/.test(error.message);
}

function timed(api: Api, base: string, text: string): Promise<Probe> {
  return probe({ subject: text }, async () => {
    const start = performance.now();
    await query(api, base, text);
    const seconds = since(start);
    if (seconds >= MAX_QUERY_SECONDS) throw new Error(`took ${seconds} s`);
    return `${seconds} s`;
  });
}

function hasData(api: Api, base: string, name: string, metric: string): Promise<Probe> {
  return probe({ subject: name }, async () => {
    const [answer] = await query(api, base, `count(${metric})`);
    if (answer === undefined) throw new Error(`no series ${metric}`);
    return `${answer.value} series`;
  });
}
