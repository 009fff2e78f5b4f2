import { type Dashboard, figure, graph, query, WINDOW } from "./dashboard";
import { quantile, rate } from "./promql";

const CONTAINERS = 'container!="",image!=""';

const NOW = {
  title: "Now",
  panels: [
    figure("Nodes Ready", "short", 4, 'sum(kube_node_status_condition{condition="Ready",status="true"})'),
    figure("Targets down", "short", 4, "count(up) - sum(up)", { limit: { value: 1, bad: "above" } }),
    figure(
      "Pods not ready",
      "short",
      4,
      'sum(kube_pod_status_ready{condition="false"} * on (namespace, pod) group_left () ' +
        '(max by (namespace, pod) (kube_pod_status_phase{phase=~"Pending|Running"}) == 1)) or vector(0)',
      { limit: { value: 1, bad: "above" } },
    ),
    figure(
      "Alerts that fire",
      "short",
      4,
      'count(ALERTS{alertstate="firing",alertname!~"Watchdog|InfoInhibitor"}) or vector(0)',
      { limit: { value: 1, bad: "above" } },
    ),
    figure("Availability, last hour", "percentunit", 4, "1 - productpage:errors:ratio_rate1h", {
      limit: { value: 0.999, bad: "below" },
    }),
    figure(
      "CPU that is requested",
      "percentunit",
      4,
      `sum(kube_pod_container_resource_requests{resource="cpu"}) / sum(kube_node_status_allocatable{resource="cpu"})`,
      {
        limit: { value: 0.9, bad: "above" },
      },
    ),
  ],
} as const;

const USE = {
  title: "Who uses what",
  panels: [
    graph("CPU by namespace, in cores", "short", 12, [
      query(rate("container_cpu_usage_seconds_total", CONTAINERS, ["namespace"]), "{{namespace}}"),
    ]),
    graph("Memory by namespace", "bytes", 12, [
      query(`sum by (namespace) (container_memory_working_set_bytes{${CONTAINERS}})`, "{{namespace}}"),
    ]),
  ],
} as const;

const CONTROL_PLANE = {
  title: "Control plane",
  panels: [
    graph("API server: requests by verb", "reqps", 8, [
      query(rate("apiserver_request_total", "", ["verb"]), "{{verb}}"),
    ]),
    graph("API server: 99 % of requests take", "s", 8, [
      query(quantile(0.99, "apiserver_request_duration_seconds", 'verb!~"WATCH|CONNECT"', ["verb"]), "{{verb}}"),
    ]),
    graph(
      "etcd: 99 % of writes to disk take",
      "s",
      8,
      [
        query(quantile(0.99, "etcd_disk_wal_fsync_duration_seconds", ""), "log"),
        query(quantile(0.99, "etcd_disk_backend_commit_duration_seconds", ""), "database"),
      ],
      { description: "Above 10 ms for the log, etcd loses its leader under load." },
    ),
    graph("Scheduler: pods that wait", "short", 8, [query("sum by (queue) (scheduler_pending_pods)", "{{queue}}")]),
    graph("Controllers: work that waits", "short", 8, [
      query('topk(5, sum by (name) (workqueue_depth{job="kube-controller-manager"}))', "{{name}}"),
    ]),
    graph("CoreDNS: answers by code", "reqps", 8, [
      query(rate("coredns_dns_responses_total", "", ["rcode"]), "{{rcode}}"),
    ]),
  ],
} as const;

const MONITORING = {
  title: "Monitoring itself",
  panels: [
    graph("Age of the newest figures, by job", "s", 8, [query("max by (job) (time() - timestamp(up))", "{{job}}")]),
    graph("Samples a second", "ops", 4, [query(rate("prometheus_tsdb_head_samples_appended_total", ""), "samples")]),
    graph("Series in memory", "short", 4, [query("sum(prometheus_tsdb_head_series)", "series")]),
    graph("Metrics on disk", "bytes", 4, [
      query("sum(prometheus_tsdb_storage_blocks_bytes + prometheus_tsdb_wal_storage_size_bytes)", "used"),
    ]),
    graph("Messages sent", "ops", 4, [
      query(`sum by (integration) (rate(alertmanager_notifications_total[${WINDOW}]))`, "{{integration}}"),
    ]),
  ],
} as const;

export const PLATFORM: Dashboard = {
  uid: "daybreak-platform",
  title: "Platform",
  purpose: "Is the cluster whole, who uses it, and do its control plane and its monitoring keep up?",
  rows: [NOW, USE, CONTROL_PLANE, MONITORING],
};
