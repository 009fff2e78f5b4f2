import type { RuleGroup } from "./rule";

/** What the nodes themselves suffer from. */
export const NODES: RuleGroup = {
  name: "nodes",
  rules: [
    {
      // In place of the chart's KubeNodeNotReady, which waits a quarter of an hour.
      alert: "NodeNotReady",
      expr: 'kube_node_status_condition{condition="Ready",status="true"} == 0',
      for: "1m",
      labels: { severity: "critical" },
      annotations: {
        summary: "Node {{ $labels.node }} is not Ready.",
        description:
          "Its pods are moved after five minutes; pinned ones are not. See kubectl describe node {{ $labels.node }} and the instance in EC2.",
      },
    },
    {
      // A t3 with standard credits and none left gets its baseline only; the hypervisor's share then shows as steal.
      alert: "NodeCpuStolen",
      expr: 'avg by (node) (rate(node_cpu_seconds_total{mode="steal"}[5m])) > 0.1',
      for: "5m",
      labels: { severity: "warning" },
      annotations: {
        summary: "The hypervisor withholds {{ $value | humanizePercentage }} of the CPU of node {{ $labels.node }}.",
        description:
          "A t3 whose credits are spent, or a noisy neighbour. Set daybreak:cpuCredits unlimited, or a larger instance type.",
      },
    },
  ],
};
