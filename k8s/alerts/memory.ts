import type { RuleGroup } from "./rule";

/** Bytes free in a node's memory below which eviction is near: it is at 100 MiB (infra/kubeadm-config.ts). */
export const MEMORY_SHORT = 250 * 2 ** 20;

const EACH = "max by (namespace, pod, container)";

/** Native sidecars, as the edge line's proxies are, are init containers to kube-state-metrics. */
const LIMIT =
  `(${EACH} (kube_pod_container_resource_limits{resource="memory"}) or ` +
  `${EACH} (kube_pod_init_container_resource_limits{resource="memory"}))`;

/** Memory: what nodes of 4 GiB run out of first. */
export const MEMORY: RuleGroup = {
  name: "memory",
  rules: [
    {
      alert: "NodeMemoryNearEviction",
      expr: `min by (node) (node_memory_MemAvailable_bytes) < ${MEMORY_SHORT}`,
      for: "2m",
      labels: { severity: "critical" },
      annotations: {
        summary: "{{ $value | humanize1024 }}B of memory are free on node {{ $labels.node }}.",
        description: "The kubelet evicts pods at 100 MiB. The dashboard Nodes shows which pods use it.",
      },
    },
    {
      alert: "ContainerNearMemoryLimit",
      expr: `${EACH} (container_memory_working_set_bytes{container!="",image!=""}) / ${LIMIT} > 0.9`,
      for: "5m",
      labels: { severity: "warning" },
      annotations: {
        summary:
          "{{ $labels.container }} of {{ $labels.namespace }}/{{ $labels.pod }} uses {{ $value | humanizePercentage }} of its memory limit.",
        description:
          "At the limit it is killed. The limits stand in the footprint.ts of the workload's folder in k8s/.",
      },
    },
    {
      alert: "ContainerOutOfMemory",
      expr:
        'kube_pod_container_status_last_terminated_reason{reason="OOMKilled"} == 1 ' +
        "and on (namespace, pod, container) increase(kube_pod_container_status_restarts_total[10m]) > 0",
      labels: { severity: "warning" },
      annotations: {
        summary: "{{ $labels.container }} of {{ $labels.namespace }}/{{ $labels.pod }} was killed at its memory limit.",
        description: "Raise its limit in the footprint.ts of its folder in k8s/, or find out what it holds.",
      },
    },
  ],
};
