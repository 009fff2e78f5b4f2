import type { V1Service } from "@kubernetes/client-node";
import { setTimeout as sleep } from "node:timers/promises";

import { ApiError, type Api } from "../api";
import type { Cluster } from "../cluster";
import type { Context, Group } from "../context";
import { checkOf, explain, failed, probe, since, skipped, type CheckResult, type Probe } from "../result";

/** A platform with fewer targets isn't whole: the users' own success criterion. */
const MIN_TARGETS = 15;
/** Seconds a query may take; the users' criterion too. */
const MAX_QUERY_SECONDS = 1;
/** Its operator makes Prometheus when the release is installed already; a new target is first asked within 30 s. */
const SETTLE = 60_000;

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

interface Target {
  health: "up" | "down" | "unknown";
  scrapeUrl: string;
  lastError: string;
  labels: { job?: string; instance?: string };
}

export const prometheus: Group = {
  id: "prometheus",
  async run({ api, cluster }: Context): Promise<CheckResult[]> {
    const group = "prometheus" as const;
    const base = prometheusPath(cluster);
    const targets = { group, id: "prometheus.targets", title: `${MIN_TARGETS} targets or more, none down` };
    const queries = { group, id: "prometheus.queries", title: `queries take less than ${MAX_QUERY_SECONDS} s` };
    const dashboards = { group, id: "prometheus.dashboards", title: "the dashboards have data" };
    if (base === undefined) {
      const why = "Prometheus isn't installed: no Service with its labels";
      return [targets, queries, dashboards].map((header) => skipped(header, why));
    }
    const first = await checkTargets(api, base, targets);
    if (first.unreachable)
      return [first.check, ...[queries, dashboards].map((header) => skipped(header, "Prometheus doesn't answer"))];
    return [
      first.check,
      checkOf(queries, await Promise.all(QUERIES.map((query) => timed(api, base, query)))),
      checkOf(
        dashboards,
        await Promise.all(Object.entries(DASHBOARDS).map(([name, m]) => hasData(api, base, name, m))),
      ),
    ];
  },
};

/** Path of Prometheus' HTTP API through the API server's service proxy, undefined if it isn't installed. */
export function prometheusPath({ services }: Cluster): string | undefined {
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
export async function query(api: Api, base: string, text: string): Promise<{ value: number; metric: object }[]> {
  const answer = await api.get<{ data: { result: { metric: object; value: [number, string] }[] } }>(
    `${base}/query?query=${encodeURIComponent(text)}`,
  );
  return answer.data.result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
}

async function checkTargets(
  api: Api,
  base: string,
  header: { group: "prometheus"; id: string; title: string },
): Promise<{ check: CheckResult; unreachable: boolean }> {
  const start = performance.now();
  try {
    const targets = await settledTargets(api, base);
    const up = targets.filter(({ health }) => health === "up").length;
    const detail = `${up} of ${targets.length} up`;
    const enough: Probe = {
      subject: "number of targets",
      ok: targets.length >= MIN_TARGETS,
      detail,
      reason: "missing",
    };
    const probes = [enough, ...targets.map(targetProbe)];
    return { check: checkOf({ ...header, detail, seconds: since(start) }, probes), unreachable: false };
  } catch (error) {
    const { detail } = explain(error);
    const message = `Prometheus doesn't answer through the API server: ${detail}`;
    return { check: failed({ ...header, seconds: since(start) }, new Error(message)), unreachable: true };
  }
}

/** Waits while targets are new or have just come up. */
function settledTargets(api: Api, base: string): Promise<Target[]> {
  const ask = async () =>
    (await api.get<{ data: { activeTargets: Target[] } }>(`${base}/targets?state=active`)).data.activeTargets;
  return settled(ask, (all) => all.length >= MIN_TARGETS && all.every(({ health }) => health === "up"));
}

/**
 * Asks Prometheus again, while it starts, until the answer will do; the last answer or error after a minute.
 * @throws at once for what waiting does not heal
 */
export async function settled<T>(ask: () => Promise<T>, willDo: (answer: T) => boolean): Promise<T> {
  const deadline = performance.now() + SETTLE;
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

function targetProbe({ health, scrapeUrl, lastError, labels }: Target): Probe {
  const subject = `${labels.job ?? "?"} ${labels.instance ?? scrapeUrl}`;
  if (health === "up") return { subject, ok: true };
  if (health === "unknown") return { subject, ok: true, detail: "not asked yet" };
  return { subject, ok: false, reason: "down", detail: lastError || "down" };
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
