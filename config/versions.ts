/**
 * Every version this project installs, in one file, each with the place it was taken from.
 *
 * Nothing here imports anything: the lab's builder reads the same pins that the two programs deploy.
 */

/** The Kubernetes version installed unless `daybreak:kubernetesVersion` says otherwise. Supported upstream into 2027; the last minor that takes containerd 1.x. */
export const DEFAULT_KUBERNETES_VERSION = "1.35.4";

/** What one Kubernetes minor version brings along. */
export interface KubernetesLine {
  /** Tags of the images that kubeadm of this minor asks for (`kubeadm config images list`). */
  readonly etcd: string;
  readonly coredns: string;
  readonly pause: string;
}

/** Kubernetes minors that the node scripts are written for. Tags: kubeadm's `app/constants/constants.go` at 1.35.4 and 1.34.2. */
export const KUBERNETES_LINES: Readonly<Record<string, KubernetesLine>> = {
  "1.34": { etcd: "3.6.5-0", coredns: "v1.12.1", pause: "3.10.1" },
  "1.35": { etcd: "3.6.6-0", coredns: "v1.13.1", pause: "3.10.1" },
};

/** The minor version (`1.35`) of a Kubernetes version (`1.35.4` or `v1.35.4`). */
export function kubernetesMinor(version: string): string {
  return version.replace(/^v/, "").split(".").slice(0, 2).join(".");
}

/**
 * The images a control plane of this Kubernetes version runs, as kubeadm names them.
 * @throws Error for a minor that {@link KUBERNETES_LINES} does not have.
 */
export function kubernetesImages(version: string): string[] {
  const line = KUBERNETES_LINES[kubernetesMinor(version)];
  if (!line)
    throw new Error(`Kubernetes ${version} is not among the lines ${Object.keys(KUBERNETES_LINES).join(", ")}`);
  const components = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"];
  return [
    ...components.map((component) => `registry.k8s.io/${component}:v${version}`),
    `registry.k8s.io/coredns/coredns:${line.coredns}`,
    `registry.k8s.io/etcd:${line.etcd}`,
    `registry.k8s.io/pause:${line.pause}`,
  ];
}

/** flannel and its CNI plugin. Source: kube-flannel.yml of flannel's release v0.28.4. */
export const FLANNEL_VERSION = "0.28.4";
export const FLANNEL_CNI_PLUGIN_VERSION = "1.9.1-flannel1";

/** The Istio Bookinfo images of release-1.20. Source: istio/istio `samples/bookinfo/platform/kube/bookinfo.yaml` at release-1.20. */
export const BOOKINFO_VERSION = "1.18.0";

/** fortio. Source: tags of the Go module fortio.org/fortio; its image is published under the same number. The last release without the grol interpreter, whose module cannot be had. */
export const FORTIO_VERSION = "1.68.2";

/** What enforces the network policies beside flannel. Source: tags of the Go module sigs.k8s.io/kube-network-policies; the newest of them that can be had. Its image is published under the same number. */
export const KUBE_NETWORK_POLICIES_VERSION = "1.1.0";

/** Caddy, in front of Grafana with HTTPS. Source: tags of the Go module github.com/caddyserver/caddy/v2; its image is published under the same number. */
export const CADDY_VERSION = "2.11.1";

/** Loki, where `daybreak:logs` is on. Source: tags of the Go module github.com/grafana/loki/v3; its image is published under the same number. */
export const LOKI_VERSION = "3.7.8";

/** Jaeger 2, where `daybreak:traces` is on. Source: CHANGELOG.md of the Go module github.com/jaegertracing/jaeger at v1.76.0, which is the same release. */
export const JAEGER_VERSION = "2.13.0";

/** The OpenTelemetry Collector's distribution for Kubernetes. Source: tags of the Go modules of open-telemetry/opentelemetry-collector-contrib; the newest of which all parts can be had. The distributions are published under the same number. */
export const OPENTELEMETRY_COLLECTOR_VERSION = "0.149.0";
/** metrics-server, where `daybreak:autoscaling` is on. Source: tags of the Go module sigs.k8s.io/metrics-server; the only one of them that can be had, for Kubernetes 1.34 and newer. Its image is published under the same number. */
export const METRICS_SERVER_VERSION = "0.9.0";

/** curl. Source: tags of curlimages/curl; the version that Debian 12 carries, which the lab runs. */
export const CURL_VERSION = "7.88.1";

/** agnhost. Source: `test/utils/image/manifest.go` of Kubernetes 1.35.4. */
export const AGNHOST_VERSION = "2.59";

const bookinfo = (service: string): string => `docker.io/istio/examples-bookinfo-${service}:${BOOKINFO_VERSION}`;

/** Images that this project's own manifests name; those of the charts are the charts' own. */
export const images = {
  flannel: `ghcr.io/flannel-io/flannel:v${FLANNEL_VERSION}`,
  flannelCniPlugin: `ghcr.io/flannel-io/flannel-cni-plugin:v${FLANNEL_CNI_PLUGIN_VERSION}`,
  bookinfo: {
    details: bookinfo("details-v1"),
    ratings: bookinfo("ratings-v1"),
    reviewsV1: bookinfo("reviews-v1"),
    reviewsV2: bookinfo("reviews-v2"),
    reviewsV3: bookinfo("reviews-v3"),
    productpage: bookinfo("productpage-v1"),
  },
  kubeNetworkPolicies: `registry.k8s.io/networking/kube-network-policies:v${KUBE_NETWORK_POLICIES_VERSION}`,
  caddy: `docker.io/library/caddy:${CADDY_VERSION}`,
  loki: `docker.io/grafana/loki:${LOKI_VERSION}`,
  jaeger: `docker.io/jaegertracing/jaeger:${JAEGER_VERSION}`,
  openTelemetryCollector: `docker.io/otel/opentelemetry-collector-k8s:${OPENTELEMETRY_COLLECTOR_VERSION}`,
  metricsServer: `registry.k8s.io/metrics-server/metrics-server:v${METRICS_SERVER_VERSION}`,
  fortio: `docker.io/fortio/fortio:${FORTIO_VERSION}`,
  curl: `docker.io/curlimages/curl:${CURL_VERSION}`,
  agnhost: `registry.k8s.io/e2e-test-images/agnhost:${AGNHOST_VERSION}`,
} as const;

/** A chart as a Release names it. */
export interface ChartPin {
  readonly chart: string;
  /** The chart's own Helm repository; `daybreak:chartMirror` replaces it. */
  readonly repository: string;
  readonly version: string;
  /** What the chart installs, for the outputs. */
  readonly appVersion: string;
}

/** kube-prometheus-stack. Source: its Chart.yaml at 88.5.3 (Prometheus operator 0.93.1, Kubernetes ≥ 1.25). */
export const KUBE_PROMETHEUS_STACK: ChartPin = {
  chart: "kube-prometheus-stack",
  repository: "https://prometheus-community.github.io/helm-charts",
  version: "88.5.3",
  appVersion: "v0.93.1",
};

/** The two lines of Linkerd that can be installed. */
export type LinkerdChannel = "edge" | "stable";

/** The three charts of one Linkerd line. */
export interface LinkerdCharts {
  readonly crds: ChartPin;
  readonly controlPlane: ChartPin;
  readonly viz: ChartPin;
}

function linkerdCharts(channel: LinkerdChannel, appVersion: string, crds: string, controlPlane: string, viz: string) {
  const repository = `https://helm.linkerd.io/${channel}`;
  return {
    crds: { chart: "linkerd-crds", repository, version: crds, appVersion },
    controlPlane: { chart: "linkerd-control-plane", repository, version: controlPlane, appVersion },
    viz: { chart: "linkerd-viz", repository, version: viz, appVersion },
  };
}

/**
 * Linkerd's charts by channel. Edge: helm.linkerd.io/edge, where all charts carry the release's date (2026.8.3 is edge-26.8.3, after 2.20 = edge-26.6.3).
 * Stable: Linkerd's chart matrix for 2.14 (stable-2.14.10, the last that upstream published).
 */
export const LINKERD: Readonly<Record<LinkerdChannel, LinkerdCharts>> = {
  edge: linkerdCharts("edge", "edge-26.8.3", "2026.8.3", "2026.8.3", "2026.8.3"),
  stable: linkerdCharts("stable", "stable-2.14.10", "1.8.0", "1.16.11", "30.12.11"),
};

/** Registries that the images of this project and of its charts come from; `daybreak:imageMirror` stands in for each of them. */
export const REGISTRIES = ["registry.k8s.io", "ghcr.io", "docker.io", "quay.io", "cr.l5d.io"] as const;

/** Site of Kubernetes' Debian packages, and the fingerprint of the key they are signed with. Source: kubernetes.io, "Installing kubeadm". */
export const KUBERNETES_PACKAGES = {
  site: "https://pkgs.k8s.io",
  keyFingerprint: "DE15B14486CD377B9E876E1A234654DA9A296436",
} as const;
