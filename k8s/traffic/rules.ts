/**
 * The standing generator's figures as Prometheus series without labels, made from its proxy's counters; docs/traffic.md
 * describes each. Dashboards and alerts go by these names.
 */
export const TRAFFIC_SERIES = {
  wanted: "daybreak:traffic_requests:wanted",
  rate: "daybreak:traffic_requests:rate30s",
  errorRatio: "daybreak:traffic_errors:ratio30s",
  p50: "daybreak:traffic_latency_seconds:p50",
  p95: "daybreak:traffic_latency_seconds:p95",
  p99: "daybreak:traffic_latency_seconds:p99",
} as const;

const GENERATOR = 'namespace="traffic",deployment="traffic"';
const OUTBOUND = `${GENERATOR},direction="outbound"`;

/** Six scrapes: one or two that Prometheus misses leave no gap, and a change is seen within the window. */
const WINDOW = "30s";

const perSecond = (series: string, selector: string): string => `sum(rate(${series}{${selector}}[${WINDOW}]))`;

const answers = perSecond("response_total", OUTBOUND);
const failures = perSecond("response_total", `${OUTBOUND},classification="failure"`);
/** Requests that the proxy answered itself, having found nobody to send them to: no answer of theirs is counted. */
const refusals = perSecond("outbound_http_errors_total", GENERATOR);

/** Nothing under a counter means that it never happened. */
const orNone = (expression: string): string => `(${expression} or vector(0))`;

const all = `(${orNone(answers)} + ${orNone(refusals)})`;

function percentile(quantile: number): string {
  const buckets = `sum by (le) (rate(response_latency_ms_bucket{${OUTBOUND}}[${WINDOW}]))`;
  return `histogram_quantile(${quantile}, ${buckets}) / 1000`;
}

/**
 * Spec of a PrometheusRule.
 * @param rate the configured rate, in requests a second
 */
export function trafficRules(rate: number) {
  const rule = (record: string, expr: string) => ({ record, expr });
  const rules = [
    rule(TRAFFIC_SERIES.wanted, `vector(${rate})`),
    rule(TRAFFIC_SERIES.rate, answers),
    // Without a single request there is no share, instead of a division by zero.
    rule(TRAFFIC_SERIES.errorRatio, `(${orNone(failures)} + ${orNone(refusals)}) / (${all} > 0)`),
    rule(TRAFFIC_SERIES.p50, percentile(0.5)),
    rule(TRAFFIC_SERIES.p95, percentile(0.95)),
    rule(TRAFFIC_SERIES.p99, percentile(0.99)),
  ];
  // As often as targets are read, so that a figure on a dashboard is no older than that.
  return { groups: [{ name: "daybreak-traffic", interval: "5s", rules }] };
}
