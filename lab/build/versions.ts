/**
 * What the lab builds beyond the pins in `config/versions.ts`: the newest of each that its Go module's proxy offers.
 */
import {
  CADDY_VERSION,
  DEFAULT_KUBERNETES_VERSION,
  FLANNEL_VERSION,
  FORTIO_VERSION,
  KUBE_NETWORK_POLICIES_VERSION,
  KUBERNETES_LINES,
  kubernetesMinor,
  METRICS_SERVER_VERSION,
  OPENTELEMETRY_COLLECTOR_VERSION,
} from "../../config/versions";

/** The Kubernetes packages and images of the lab's mirror. */
export const KUBERNETES_VERSION = DEFAULT_KUBERNETES_VERSION;
export const KUBERNETES_MINOR = kubernetesMinor(KUBERNETES_VERSION);

const line = KUBERNETES_LINES[KUBERNETES_MINOR];
if (!line) throw new Error(`config/versions.ts has no line for Kubernetes ${KUBERNETES_MINOR}`);

/** Tags as kubeadm asks for them. */
export const ETCD_TAG = line.etcd;
export const COREDNS_TAG = line.coredns;
export const PAUSE_TAG = line.pause;

/** Versions of the tools; the `go.mod` of each one's folder in `lab/build/go/` must name the same. */
export const TOOL_VERSIONS = {
  /** The SDK in package.json; the Automation API refuses an older CLI. */
  pulumi: "3.255.0",
  kubernetes: KUBERNETES_VERSION,
  etcd: ETCD_TAG.replace(/-.*/, ""),
  coredns: COREDNS_TAG.replace(/^v/, ""),
  flannel: FLANNEL_VERSION,
  /** flannel's CNI plugin left this module after 0.9.1; its later home is not published as a module that can be had. */
  "flannel-cni": "0.9.1",
  cni: "1.9.1",
  caddy: CADDY_VERSION,
  "kube-network-policies": KUBE_NETWORK_POLICIES_VERSION,
  helm: "3.19.5",
  fortio: FORTIO_VERSION,
  pause: PAUSE_TAG,
  /** What the operator 0.93.1 of kube-prometheus-stack 88.5.3 names as its defaults; as a module Prometheus 3.x is 0.3xx. */
  "prometheus-operator": "0.93.1",
  prometheus: "3.13.1",
  alertmanager: "0.33.1",
  /** The newest; the chart's own pin could not be read without the chart. */
  "node-exporter": "1.12.1",
  /** The newest whose module can be had. */
  "kube-state-metrics": "2.18.0",
  "metrics-server": METRICS_SERVER_VERSION,
  "opentelemetry-collector": OPENTELEMETRY_COLLECTOR_VERSION,
} as const;

/** Name of everything that {@link TOOL_VERSIONS} builds. */
export type ToolName = keyof typeof TOOL_VERSIONS;
