import type { Footprint } from "../budget";
import { GATEWAY_BUDGET } from "../grafana-https/gateway";

/** Chart 88.5.3 starts these containers; each has its own sidecars' names. Figures: small cluster, 5 s scrapes. */
const RELOADER = { cpu: 5, memory: 24, memoryLimit: 64 };

/** k8s-sidecar, a Python program: it copies dashboards and data sources from ConfigMaps into Grafana. */
const SIDECAR = { cpu: 5, memory: 80, memoryLimit: 192 };

export const PROMETHEUS = {
  pod: "prometheus",
  replicas: 1,
  pinned: true,
  meshed: false,
  containers: {
    // About 60 000 series at 5 to 10 s; at the limit it would be killed and replay its log, so there is room to spare.
    prometheus: { cpu: 200, memory: 640, memoryLimit: 1280 },
    reloader: RELOADER,
  },
} satisfies Footprint;

export const ALERTMANAGER = {
  pod: "alertmanager",
  replicas: 1,
  pinned: true,
  meshed: false,
  containers: { alertmanager: { cpu: 10, memory: 40, memoryLimit: 128 }, reloader: RELOADER },
} satisfies Footprint;

export const GRAFANA = {
  pod: "grafana",
  replicas: 1,
  pinned: true,
  meshed: false,
  containers: {
    // Seen killed at a limit of 192 MiB.
    grafana: { cpu: 50, memory: 192, memoryLimit: 512 },
    dashboards: SIDECAR,
    datasources: SIDECAR,
    // There with `daybreak:grafana.https` only.
    gateway: GATEWAY_BUDGET,
  },
} satisfies Footprint;

export const OPERATOR = {
  pod: "prometheus-operator",
  replicas: 1,
  pinned: true,
  meshed: false,
  containers: { operator: { cpu: 20, memory: 64, memoryLimit: 192 } },
} satisfies Footprint;

/** The two hook Jobs that make and register the certificate of the operator's webhook; one after the other. */
export const WEBHOOK_JOB = {
  pod: "prometheus-operator-admission",
  replicas: 1,
  pinned: true,
  meshed: false,
  containers: { job: { cpu: 10, memory: 32, memoryLimit: 128 } },
} satisfies Footprint;

export const KUBE_STATE_METRICS = {
  pod: "kube-state-metrics",
  replicas: 1,
  pinned: true,
  meshed: false,
  containers: { "kube-state-metrics": { cpu: 10, memory: 48, memoryLimit: 192 } },
} satisfies Footprint;

export const NODE_EXPORTER = {
  pod: "node-exporter",
  replicas: "node",
  pinned: false,
  meshed: false,
  containers: { "node-exporter": { cpu: 10, memory: 24, memoryLimit: 96 } },
} satisfies Footprint;

export const MONITORING_FOOTPRINT: readonly Footprint[] = [
  PROMETHEUS,
  ALERTMANAGER,
  GRAFANA,
  OPERATOR,
  WEBHOOK_JOB,
  KUBE_STATE_METRICS,
  NODE_EXPORTER,
];
