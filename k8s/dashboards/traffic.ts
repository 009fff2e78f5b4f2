import { type Dashboard, figure, graph, query } from "./dashboard";
import { failures, latency, rate, requests } from "./promql";

const GENERATOR = 'namespace="traffic",deployment="traffic",direction="outbound"';

const NOW = {
  title: "Now, as the generator sees it",
  panels: [
    figure("Rate", "reqps", 4, requests(GENERATOR)),
    figure("Errors", "percentunit", 4, failures(GENERATOR), { limit: { value: 0.001, bad: "above" } }),
    figure("Half take", "ms", 4, latency(0.5, GENERATOR)),
    figure("95 % take", "ms", 4, latency(0.95, GENERATOR)),
    figure("99 % take", "ms", 4, latency(0.99, GENERATOR), { limit: { value: 500, bad: "above" } }),
    figure("Connections", "short", 4, 'sum(tcp_open_connections{namespace="traffic",direction="outbound",peer="dst"})'),
  ],
} as const;

const HISTORY = {
  title: "Over time",
  panels: [
    graph("Rate by status", "reqps", 12, [query(requests(GENERATOR, ["status_code"]), "{{status_code}}")]),
    graph("Errors", "percentunit", 12, [query(failures(GENERATOR), "share of answers")], {
      limit: { value: 0.001, bad: "above" },
    }),
    graph(
      "Percentiles",
      "ms",
      12,
      [
        query(latency(0.5, GENERATOR), "p50"),
        query(latency(0.95, GENERATOR), "p95"),
        query(latency(0.99, GENERATOR), "p99"),
      ],
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
