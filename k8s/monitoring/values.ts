import type { AlertReceivers } from "../../config/alerts";
import { NODE_PORTS } from "../../config/network";
import { REPLACED_RULES } from "../alerts/groups";
import { alertmanagerConfig, RECEIVERS_SECRET } from "../alerts/receivers";
import { resources } from "../budget";
import { placement } from "../placement";
import type { Values } from "../values";
import {
  ALERTMANAGER,
  GRAFANA,
  KUBE_STATE_METRICS,
  NODE_EXPORTER,
  OPERATOR,
  PROMETHEUS,
  WEBHOOK_JOB,
} from "./footprint";

/** What the values of kube-prometheus-stack depend on. */
export interface MonitoringChoices {
  pinToControlPlane: boolean;
  /** Time zone of Grafana's dashboards. */
  timezone: string;
  /** Name of the Secret with Grafana's administrator, in the release's namespace. */
  adminSecret: string;
  /** Who gets alerts. What is secret of it is in the Secret that {@link RECEIVERS_SECRET} names. */
  receivers: AlertReceivers;
}

/**
 * How often targets are read. A figure on a dashboard is then at most 5 s old; half of the shortest rate window that
 * Grafana uses for this interval (four intervals) is 10 s, which no target may exceed.
 */
export const SCRAPE_INTERVAL = "5s";
const SLOW_SCRAPE_INTERVAL = "10s";

/** Metrics are kept 15 days or until they fill this much of the node's disk, whichever comes first. */
const RETENTION = { retention: "15d", retentionSize: "4GiB" };

/** Keys that both kinds of monitors are chosen by: all of them, in every namespace, not only those of this release. */
const EVERY_MONITOR = {
  serviceMonitorSelectorNilUsesHelmValues: false,
  podMonitorSelectorNilUsesHelmValues: false,
  ruleSelectorNilUsesHelmValues: false,
  probeSelectorNilUsesHelmValues: false,
  scrapeConfigSelectorNilUsesHelmValues: false,
};

/**
 * Nothing outlives these pods, so they need no time to save it. The operator's own 600 s and 120 s would hold the
 * namespace: its controller waits for half of the longest grace period before it looks again whether the pods are gone.
 */
const GRACE = { terminationGracePeriodSeconds: 10 };

function prometheus(choices: MonitoringChoices): Values {
  return {
    prometheusSpec: {
      ...placement(choices.pinToControlPlane),
      ...EVERY_MONITOR,
      ...RETENTION,
      ...GRACE,
      // No volume claim: the cluster lives for a day, and has no storage class.
      storageSpec: {},
      scrapeInterval: SCRAPE_INTERVAL,
      scrapeTimeout: SCRAPE_INTERVAL,
      evaluationInterval: "15s",
      walCompression: true,
      resources: resources(PROMETHEUS.containers.prometheus),
    },
  };
}

function alertmanager(choices: MonitoringChoices): Values {
  return {
    config: alertmanagerConfig(choices.receivers),
    alertmanagerSpec: {
      ...placement(choices.pinToControlPlane),
      ...GRACE,
      storage: {},
      secrets: [RECEIVERS_SECRET],
      resources: resources(ALERTMANAGER.containers.alertmanager),
    },
  };
}

function grafana(choices: MonitoringChoices): Values {
  return {
    ...placement(choices.pinToControlPlane),
    admin: { existingSecret: choices.adminSecret, userKey: "admin-user", passwordKey: "admin-password" },
    service: { type: "NodePort", nodePort: NODE_PORTS.grafana },
    persistence: { enabled: false },
    defaultDashboardsTimezone: choices.timezone,
    resources: resources(GRAFANA.containers.grafana),
    sidecar: { resources: resources(GRAFANA.containers.dashboards) },
    // It would ask grafana.com at every start.
    "grafana.ini": { analytics: { check_for_updates: false } },
    // Its pod runs with `helm test` only.
    testFramework: { enabled: false },
  };
}

/** The operator's service stays inside the cluster; the chart's node port for it, 30080, would be Bookinfo's. */
function prometheusOperator(choices: MonitoringChoices): Values {
  const pins = placement(choices.pinToControlPlane);
  return {
    ...pins,
    resources: resources(OPERATOR.containers.operator),
    prometheusConfigReloader: { resources: resources(PROMETHEUS.containers.reloader) },
    admissionWebhooks: {
      patch: { ...pins, resources: resources(WEBHOOK_JOB.containers.job) },
      deployment: pins,
    },
  };
}

/**
 * The control plane's own metrics, which kubeadm serves on its nodes at 2381, 10257, 10259 and 10249. The scheduler's
 * and the controller manager's certificates are self-made at their start, so no authority vouches for them.
 */
const CONTROL_PLANE_TARGETS: Values = {
  kubeEtcd: { enabled: true, service: { enabled: true, port: 2381, targetPort: 2381 } },
  kubeControllerManager: {
    enabled: true,
    service: { enabled: true, port: 10257, targetPort: 10257 },
    serviceMonitor: { https: true, insecureSkipVerify: true },
  },
  kubeScheduler: {
    enabled: true,
    service: { enabled: true, port: 10259, targetPort: 10259 },
    serviceMonitor: { https: true, insecureSkipVerify: true },
  },
  kubeProxy: { enabled: true, service: { enabled: true, port: 10249, targetPort: 10249 } },
  // The two largest pages; cAdvisor renews its figures every 10 s only.
  kubeApiServer: { serviceMonitor: { interval: SLOW_SCRAPE_INTERVAL } },
  kubelet: { serviceMonitor: { cAdvisorInterval: SLOW_SCRAPE_INTERVAL } },
};

/** Values of the release `prometheus`, chart kube-prometheus-stack. */
export function monitoringValues(choices: MonitoringChoices): Values {
  const pins = placement(choices.pinToControlPlane);
  return {
    prometheusOperator: prometheusOperator(choices),
    prometheus: prometheus(choices),
    alertmanager: alertmanager(choices),
    defaultRules: { disabled: Object.fromEntries(REPLACED_RULES.map((rule) => [rule, true])) },
    grafana: grafana(choices),
    "kube-state-metrics": {
      ...pins,
      resources: resources(KUBE_STATE_METRICS.containers["kube-state-metrics"]),
    },
    "prometheus-node-exporter": {
      // Its figures name the node by an address and a port only.
      prometheus: {
        monitor: { relabelings: [{ sourceLabels: ["__meta_kubernetes_pod_node_name"], targetLabel: "node" }] },
      },
      resources: resources(NODE_EXPORTER.containers["node-exporter"]),
    },
    ...CONTROL_PLANE_TARGETS,
  };
}

/**
 * Values with which kube-prometheus-stack installs nothing but its types (PodMonitor, ServiceMonitor, PrometheusRule …).
 *
 * Helm refuses a chart that uses an unknown type, and Linkerd's uses PodMonitor. With the types there first, the mesh
 * need not wait until Prometheus and Grafana run, and both rise at the same time.
 */
export function typesOnlyValues(): Values {
  const off = { enabled: false };
  return {
    prometheusOperator: off,
    prometheus: off,
    alertmanager: off,
    grafana: off,
    kubeStateMetrics: off,
    nodeExporter: off,
    defaultRules: { create: false },
    kubeApiServer: off,
    kubelet: off,
    kubeControllerManager: off,
    coreDns: off,
    kubeEtcd: off,
    kubeScheduler: off,
    kubeProxy: off,
  };
}
