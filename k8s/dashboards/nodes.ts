import { NODE_DISK } from "../alerts/disk";
import { type Dashboard, figure, graph, query, WINDOW } from "./dashboard";
import { rate } from "./promql";

const share = (metric: string): string => `max by (node) (rate(${metric}[${WINDOW}]))`;

const NOW = {
  title: "Now",
  panels: [
    figure(
      "Busiest CPU",
      "percentunit",
      6,
      `max(1 - avg by (node) (rate(node_cpu_seconds_total{mode="idle"}[${WINDOW}])))`,
      {
        limit: { value: 0.9, bad: "above" },
      },
    ),
    figure("Least memory free", "bytes", 6, "min(node_memory_MemAvailable_bytes)", {
      limit: { value: 250 * 2 ** 20, bad: "below" },
    }),
    figure("Least disk free", "bytes", 6, `min(node_filesystem_avail_bytes{${NODE_DISK}})`, {
      limit: { value: 3 * 2 ** 30, bad: "below" },
    }),
    figure(
      "Nodes under pressure",
      "short",
      6,
      'sum(kube_node_status_condition{condition=~".+Pressure",status="true"})',
      {
        limit: { value: 1, bad: "above" },
      },
    ),
  ],
} as const;

const CPU = {
  title: "CPU",
  panels: [
    graph("In use", "percentunit", 8, [
      query(`1 - avg by (node) (rate(node_cpu_seconds_total{mode="idle"}[${WINDOW}]))`, "{{node}}"),
    ]),
    graph(
      "Withheld by the hypervisor",
      "percentunit",
      8,
      [query(`avg by (node) (rate(node_cpu_seconds_total{mode="steal"}[${WINDOW}]))`, "{{node}}")],
      { description: "A t3 without credits.", limit: { value: 0.1, bad: "above" } },
    ),
    graph("Time that something waits for CPU", "percentunit", 8, [
      query(share("node_pressure_cpu_waiting_seconds_total"), "{{node}}"),
    ]),
  ],
} as const;

const MEMORY = {
  title: "Memory",
  panels: [
    graph("Free", "bytes", 8, [query("min by (node) (node_memory_MemAvailable_bytes)", "{{node}}")], {
      limit: { value: 250 * 2 ** 20, bad: "below" },
    }),
    graph("Time that something waits for memory", "percentunit", 8, [
      query(share("node_pressure_memory_waiting_seconds_total"), "{{node}}"),
    ]),
    graph("Containers that use most", "bytes", 8, [
      query(
        'topk(10, max by (namespace, pod, container) (container_memory_working_set_bytes{container!="",image!=""}))',
        "{{namespace}}/{{pod}} {{container}}",
      ),
    ]),
    graph(
      "Processes killed for want of memory",
      "short",
      12,
      [query("max by (node) (increase(node_vmstat_oom_kill[5m]))", "{{node}}")],
      { limit: { value: 1, bad: "above" } },
    ),
    graph("Pods evicted", "short", 12, [
      query(
        "sum by (node, eviction_signal) (kubelet_evictions)",
        "{{node}} {{eviction_signal}}",
        "There is no series until a kubelet evicts a pod.",
      ),
    ]),
  ],
} as const;

const DISK_AND_NETWORK = {
  title: "Disk and network",
  panels: [
    graph("Disk free", "bytes", 8, [query(`min by (node) (node_filesystem_avail_bytes{${NODE_DISK}})`, "{{node}}")], {
      limit: { value: 3 * 2 ** 30, bad: "below" },
    }),
    graph("Time that something waits for the disk", "percentunit", 8, [
      query(share("node_pressure_io_waiting_seconds_total"), "{{node}}"),
    ]),
    graph("Network", "Bps", 8, [
      query(rate("node_network_receive_bytes_total", 'device!~"lo|veth.+|cni.+|flannel.+"', ["node"]), "{{node}} in"),
      query(rate("node_network_transmit_bytes_total", 'device!~"lo|veth.+|cni.+|flannel.+"', ["node"]), "{{node}} out"),
    ]),
  ],
} as const;

export const NODES: Dashboard = {
  uid: "daybreak-nodes",
  title: "Nodes under pressure",
  purpose: "Which node is short of CPU, memory or disk, how short, and because of whom?",
  rows: [NOW, CPU, MEMORY, DISK_AND_NETWORK],
};
