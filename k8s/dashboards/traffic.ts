import { type Dashboard, figure, graph, query } from "./dashboard";
import { TRAFFIC_SERIES } from "../traffic/rules";
import { rate, requests } from "./promql";

const GENERATOR = 'namespace="traffic",deployment="traffic",direction="outbound"';

const NOW = {
  title: "Now, as the generator sees it",
  panels: [
    figure("Rate", "reqps", 4, TRAFFIC_SERIES.rate),
    figure("Errors", "percentunit", 4, TRAFFIC_SERIES.errorRatio, {
      description: "Answers with 5xx, and requests that nobody answered.",
      limit: { value: 0.001, bad: "above" },
    }),
    figure("Half take", "s", 4, TRAFFIC_SERIES.p50),
    figure("95 % take", "s", 4, TRAFFIC_SERIES.p95),
    figure("99 % take", "s", 4, TRAFFIC_SERIES.p99, { limit: { value: 0.5, bad: "above" } }),
    figure("Connections", "short", 4, 'sum(tcp_open_connections{namespace="traffic",direction="outbound",peer="dst"})'),
  ],
} as const;

const HISTORY = {
  title: "Over time",
  panels: [
    graph("Rate by status", "reqps", 12, [
      query(requests(GENERATOR, ["status_code"]), "{{status_code}}"),
      query(TRAFFIC_SERIES.wanted, "wanted"),
    ]),
    graph("Errors", "percentunit", 12, [query(TRAFFIC_SERIES.errorRatio, "share of requests")], {
      limit: { value: 0.001, bad: "above" },
    }),
    graph(
      "Percentiles",
      "s",
      12,
      [query(TRAFFIC_SERIES.p50, "p50"), query(TRAFFIC_SERIES.p95, "p95"), query(TRAFFIC_SERIES.p99, "p99")],
      { description: "Interpolated in the proxy's buckets: 1 to 5, 10 to 50, 100 to 500 ms, …" },
    ),
    graph(
      "CPU of fortio and its proxy, in cores",
      "short",
      12,
      [
        query(
          rate("container_cpu_usage_seconds_total", 'namespace="traffic",image!="",container!=""', ["container"]),
          "{{container}}",
        ),
      ],
      { description: "Where fortio is short of CPU, it measures itself." },
    ),
  ],
} as const;

export const TRAFFIC: Dashboard = {
  uid: "daybreak-traffic",
  title: "Traffic generator",
  purpose: "How much is asked for, how much is answered, and how long does it take from where the client sees it?",
  rows: [NOW, HISTORY],
};
