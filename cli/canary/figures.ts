import type { V1Service } from "@kubernetes/client-node";

import type { Api } from "../../check/api";
import { prometheusPath, query } from "../../check/groups/prometheus";
import type { Version } from "../../k8s/bookinfo/services";
import { UserError } from "../stacks";

/** What a version did in a stretch of time, as its own proxy counted it: no retry of a caller hides a failure. */
export interface Figures {
  requests: number;
  /** Share of answers that are no failures (5xx), 0 to 1; undefined without requests. */
  successRate: number | undefined;
  /** Milliseconds within which 99 % of the answers were complete; undefined without requests. */
  p99: number | undefined;
}

/** Figures of the last so many seconds. */
export type Ask = (seconds: number) => Promise<Figures>;

/** Two samples and some room: a rate needs them. */
const SHORTEST_SECONDS = 15;

/**
 * Finds Prometheus in the cluster.
 * @throws UserError if it isn't installed
 */
export async function figuresOf(api: Api, version: Version): Promise<Ask> {
  const { items } = await api.get<{ items: V1Service[] }>("/api/v1/services");
  const base = prometheusPath({ services: items });
  if (base === undefined)
    throw new UserError(
      "there is no Prometheus in the cluster, and without its figures a canary is blind\n  → npm run up",
    );
  return async (seconds) => {
    const window = `${Math.max(SHORTEST_SECONDS, Math.round(seconds))}s`;
    const [requests, failures, p99] = await Promise.all(
      Object.values(queries(version, window)).map(async (text) => (await query(api, base, text))[0]?.value),
    );
    const answered = requests ?? 0;
    return {
      requests: answered,
      successRate: answered > 0 ? 1 - (failures ?? 0) / answered : undefined,
      p99: p99 === undefined || Number.isNaN(p99) ? undefined : p99,
    };
  };
}

/** Requests of meshed callers only: the kubelet's probes are no sign of quality. */
export function queries(version: Version, window: string) {
  const own = `namespace="bookinfo",deployment="reviews-${version}",direction="inbound",tls="true"`;
  return {
    requests: `sum(increase(response_total{${own}}[${window}]))`,
    failures: `sum(increase(response_total{${own},classification="failure"}[${window}]))`,
    p99: `histogram_quantile(0.99, sum by (le) (rate(response_latency_ms_bucket{${own}}[${window}])))`,
  };
}

/** "312 requests, 99.68 % good, p99 18 ms". */
export function describeFigures({ requests, successRate, p99 }: Figures): string {
  if (successRate === undefined) return "no requests yet";
  const slowest = p99 === undefined ? "" : `, p99 ${p99.toFixed(0)} ms`;
  return `${Math.round(requests)} requests, ${(100 * successRate).toFixed(2)} % good${slowest}`;
}
