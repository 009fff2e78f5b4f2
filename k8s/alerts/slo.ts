import type { AlertRule, RecordingRule, RuleGroup, Severity } from "./rule";

/**
 * Every request that productpage's own proxy has answered, from the generator and from outside. The kubelet's probes
 * are no user's requests; only the newer proxies name them, and a matcher lets through what lacks the label.
 */
const REQUESTS = 'namespace="bookinfo",deployment="productpage-v1",direction="inbound",route_name!="probe"';

/** Requests of {@link SLOWEST_MS} or less. A bound of the proxy's own histogram, which Prometheus 3 writes with a fraction. */
const FAST = `${REQUESTS},le=~"500(\\\\.0)?"`;
const SLOWEST_MS = 500;

interface Objective {
  /** Part of the names of its rules and of its recorded figures. */
  name: "Availability" | "Latency";
  /** Share of requests that may fail it. */
  budget: number;
  /** Recorded figure, without the window: the share of requests that do. */
  figure: string;
  /** What failed, for the reader of an alert. */
  failed: string;
  ratio: (window: string) => string;
}

const sumRate = (metric: string, matchers: string, window: string) => `sum(rate(${metric}{${matchers}}[${window}]))`;

/** 99.9 % of requests are answered without a server error: the users' own criterion. */
const AVAILABILITY: Objective = {
  name: "Availability",
  budget: 0.001,
  figure: "productpage:errors:ratio_rate",
  failed: "were answered with an error",
  ratio: (window) =>
    // Without a single failure there is no such series, and the share is none, not unknown.
    `(${sumRate("response_total", `${REQUESTS},classification="failure"`, window)} or vector(0)) / ${sumRate("response_total", REQUESTS, window)}`,
};

/** 99 % of requests are answered within half a second: ten times what the page takes on idle t3.medium nodes. */
const LATENCY: Objective = {
  name: "Latency",
  budget: 0.01,
  figure: "productpage:slow_requests:ratio_rate",
  failed: `took longer than ${SLOWEST_MS} ms`,
  ratio: (window) =>
    `1 - ${sumRate("response_latency_ms_bucket", FAST, window)} / ${sumRate("response_latency_ms_count", REQUESTS, window)}`,
};

/**
 * How fast a month's budget is burning, over a long window and, so that an alert ends when its cause does, over a
 * twelfth of it. Figures: Google's SRE workbook, chapter 5. Its slowest pair (three days) is left out: the cluster
 * lives for a day. On one that is younger than a window, the window is the cluster's life so far.
 */
const BURNS: readonly { severity: Severity; factor: number; long: string; short: string; spent: string }[] = [
  { severity: "critical", factor: 14.4, long: "1h", short: "5m", spent: "2 % of a month's budget in an hour" },
  { severity: "critical", factor: 6, long: "6h", short: "30m", spent: "5 % of a month's budget in six hours" },
  { severity: "warning", factor: 3, long: "1d", short: "2h", spent: "10 % of a month's budget in a day" },
];

function burnAlert(objective: Objective, { severity, factor, long, short, spent }: (typeof BURNS)[number]): AlertRule {
  const limit = Number((factor * objective.budget).toPrecision(6));
  const over = (window: string) => `${objective.figure}${window} > ${limit}`;
  return {
    alert: `Productpage${objective.name}Burn`,
    expr: `${over(long)} and ${over(short)}`,
    labels: { severity, window: long },
    annotations: {
      summary: `{{ $value | humanizePercentage }} of productpage's requests in the last ${long} ${objective.failed}.`,
      description: `At this rate ${spent} are spent. See the dashboard Bookinfo: which service of the call chain fails or is slow?`,
    },
  };
}

function recorded(objectives: readonly Objective[], windows: readonly string[]): RecordingRule[] {
  return objectives.flatMap(({ figure, ratio }) =>
    windows.map((window) => ({ record: `${figure}${window}`, expr: ratio(window) })),
  );
}

const OBJECTIVES = [AVAILABILITY, LATENCY];

/**
 * Productpage answers nobody, so its proxy counts no errors either: the generator, seen from its own proxy, gets no
 * answer although it runs. Where it is switched off, {@link RuleGroup} `bookinfo` still sees a service without pods.
 */
const UNANSWERED: AlertRule = {
  alert: "ProductpageUnanswered",
  expr:
    'sum(kube_deployment_status_replicas_available{namespace="traffic",deployment="traffic"}) > 0 ' +
    `unless ${sumRate("response_total", 'namespace="traffic",deployment="traffic",direction="outbound",classification="success"', "1m")} > 0`,
  for: "30s",
  labels: { severity: "critical" },
  annotations: {
    summary: "The traffic generator runs and productpage answers none of its requests.",
    description:
      "Nobody gets the page. Run npm run check: it tells a cut-off node from a mesh without its control plane.",
  },
};

/** Productpage's service level objectives: rules for several windows and burn rates at once. */
export const SLO: readonly RuleGroup[] = [
  { name: "slo-windows-short", interval: "15s", rules: recorded(OBJECTIVES, ["5m", "1h"]) },
  // These windows move by less than a hundredth in a minute; computing them more often says nothing new.
  { name: "slo-windows-long", interval: "1m", rules: recorded(OBJECTIVES, ["30m", "2h", "6h", "1d"]) },
  {
    name: "slo",
    interval: "15s",
    rules: [...OBJECTIVES.flatMap((objective) => BURNS.map((burn) => burnAlert(objective, burn))), UNANSWERED],
  },
];
