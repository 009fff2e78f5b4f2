import type { AlertReceivers } from "../../config/alerts";
import type { PrometheusVolume } from "../../config/monitoring";
import { NODE_PORTS } from "../../config/network";
import { REPLACED_RULES } from "../alerts/groups";
import { alertmanagerConfig, RECEIVERS_SECRET } from "../alerts/receivers";
import { resources } from "../budget";
import { placement } from "../placement";
import { mergeValues, type Values } from "../values";
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
  /** Values below `grafana` with which it is reached over HTTPS only. */
  https?: Values | undefined;
  /** Time zone of Grafana's dashboards. */
  timezone: string;
  /** Name of the Secret with Grafana's administrator, in the release's namespace. */
  adminSecret: string;
  /** Seconds between two readings of a target. */
  scrapeInterval: number;
  /** How long metrics are kept, and on what: the node's disk without a volume. */
  retention: { days: number; volume?: PrometheusVolume | undefined };
  /** Who gets alerts. What is secret of it is in the Secret that {@link RECEIVERS_SECRET} names. */
  receivers: AlertReceivers;
}

/**
 * Seconds between two readings of the largest pages. cAdvisor renews its figures every 10 s only, and half of the shortest
 * rate window that Grafana uses (four intervals) is 10 s at the default of 5 s, which no target may exceed.
 */
const SLOWEST_OF_FAST = 10;

const slow = (scrapeInterval: number): string => `${Math.max(SLOWEST_OF_FAST, scrapeInterval)}s`;

/** How much of a node's disk of 20 GiB the metrics may fill. */
const WITHOUT_VOLUME = "4GiB";

/** Days or size, whichever comes first. Of a volume a fifth stays free, as Prometheus' own documentation advises. */
function retention({ days, volume }: MonitoringChoices["retention"]): Values {
  if (!volume)
    // No claim: the cluster lives for a day, and has no storage class.
    return { retention: `${days}d`, retentionSize: WITHOUT_VOLUME, storageSpec: {} };
  const { sizeGib, storageClass } = volume;
  return {
    retention: `${days}d`,
    retentionSize: `${Math.floor(sizeGib * 1024 * 0.8)}MiB`,
    storageSpec: {
      volumeClaimTemplate: {
        spec: {
          storageClassName: storageClass,
          accessModes: ["ReadWriteOnce"],
          resources: { requests: { storage: `${sizeGib}Gi` } },
        },
      },
    },
  };
}

/** Keys that both kinds of monitors are chosen by: all of them, in every namespace, not only those of this release. */
const EVERY_MONITOR = {
  serviceMonitorSelectorNilUsesHelmValues: false,
  podMonitorSelectorNilUsesHelmValues: false,
  ruleSelectorNilUsesHelmValues: false,
  probeSelectorNilUsesHelmValues: false,
  scrapeConfigSelectorNilUsesHelmValues: false,
};

/**
 * They save nothing when they end: metrics are in Prometheus' log as they come, and it reads that again. The operator's own 600 s and 120 s would hold the
 * namespace: its controller waits for half of the longest grace period before it looks again whether the pods are gone.
 */
const GRACE = { terminationGracePeriodSeconds: 10 };

function prometheus(choices: MonitoringChoices): Values {
  return {
    prometheusSpec: {
      ...placement(choices.pinToControlPlane),
      ...EVERY_MONITOR,
      ...retention(choices.retention),
      ...GRACE,
      scrapeInterval: `${choices.scrapeInterval}s`,
      scrapeTimeout: `${choices.scrapeInterval}s`,
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
  const values = {
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
  return mergeValues(values, choices.https);
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
const controlPlaneTargets = (scrapeInterval: number): Values => ({
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
  kubeApiServer: { serviceMonitor: { interval: slow(scrapeInterval) } },
  kubelet: { serviceMonitor: { cAdvisorInterval: slow(scrapeInterval) } },
});

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
    ...controlPlaneTargets(choices.scrapeInterval),
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
