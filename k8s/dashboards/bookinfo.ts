import { type Dashboard, figure, graph, query } from "./dashboard";
import { failures, inbound, latency, rate, requests } from "./promql";

const SERVICES = inbound('namespace="bookinfo"');
const REVIEWS = inbound('namespace="bookinfo",deployment=~"reviews-.+"');
const CALLS = 'direction="outbound",namespace=~"bookinfo|traffic",dst_namespace="bookinfo"';
const CALL = ["deployment", "dst_deployment"];
const CALL_LEGEND = "{{deployment}} → {{dst_deployment}}";

const OBJECTIVES = {
  title: "Objectives of productpage",
  panels: [
    figure("Availability, last hour", "percentunit", 6, "1 - productpage:errors:ratio_rate1h", {
      limit: { value: 0.999, bad: "below" },
    }),
    figure("Within half a second, last hour", "percentunit", 6, "1 - productpage:slow_requests:ratio_rate1h", {
      limit: { value: 0.99, bad: "below" },
    }),
    graph(
      "How fast the budgets burn",
      "short",
      12,
      [
        query("productpage:errors:ratio_rate5m / 0.001", "errors"),
        query("productpage:slow_requests:ratio_rate5m / 0.01", "slow"),
      ],
      { description: "1 uses up a month's budget in a month; alerts begin at 3.", limit: { value: 3, bad: "above" } },
    ),
  ],
} as const;

const SIGNALS = {
  title: "Golden signals of each service",
  panels: [
    graph("Traffic", "reqps", 8, [query(requests(SERVICES, ["deployment"]), "{{deployment}}")]),
    graph("Errors", "percentunit", 8, [query(failures(SERVICES, ["deployment"]), "{{deployment}}")], {
      limit: { value: 0.001, bad: "above" },
    }),
    graph("Latency: 99 % take", "ms", 8, [query(latency(0.99, SERVICES, ["deployment"]), "{{deployment}}")]),
    graph("Latency: half take", "ms", 8, [query(latency(0.5, SERVICES, ["deployment"]), "{{deployment}}")]),
    graph("Saturation: CPU of what is requested", "percentunit", 8, [
      query(
        `${rate("container_cpu_usage_seconds_total", 'namespace="bookinfo",image!="",container!~"|linkerd-proxy"', ["pod"])} / ` +
          'sum by (pod) (kube_pod_container_resource_requests{namespace="bookinfo",resource="cpu",container!="linkerd-proxy"})',
        "{{pod}}",
      ),
    ]),
    graph(
      "Saturation: memory of the limit",
      "percentunit",
      8,
      [
        query(
          'sum by (pod) (container_memory_working_set_bytes{namespace="bookinfo",image!="",container!~"|linkerd-proxy"}) / ' +
            'sum by (pod) (kube_pod_container_resource_limits{namespace="bookinfo",resource="memory",container!="linkerd-proxy"})',
          "{{pod}}",
        ),
      ],
      { limit: { value: 0.9, bad: "above" } },
    ),
  ],
} as const;

const VERSIONS = {
  title: "Versions of reviews",
  panels: [
    graph(
      "Share of the traffic",
      "percentunit",
      8,
      [query(`${requests(REVIEWS, ["deployment"])} / scalar(${requests(REVIEWS)})`, "{{deployment}}")],
      { description: "A third each without a split." },
    ),
    graph("Errors", "percentunit", 8, [query(failures(REVIEWS, ["deployment"]), "{{deployment}}")]),
    graph("99 % take", "ms", 8, [query(latency(0.99, REVIEWS, ["deployment"]), "{{deployment}}")]),
  ],
} as const;

const CHAIN = {
  title: "Call chain, as the caller sees it",
  panels: [
    graph("Calls", "reqps", 8, [query(requests(CALLS, CALL), CALL_LEGEND)]),
    graph("Errors", "percentunit", 8, [query(failures(CALLS, CALL), CALL_LEGEND)]),
    graph("99 % take", "ms", 8, [query(latency(0.99, CALLS, CALL), CALL_LEGEND)]),
  ],
} as const;

export const BOOKINFO: Dashboard = {
  uid: "daybreak-bookinfo",
  title: "Bookinfo",
  purpose: "Does productpage keep its promises, and which service or version of reviews is to blame if not?",
  rows: [OBJECTIVES, SIGNALS, VERSIONS, CHAIN],
};
