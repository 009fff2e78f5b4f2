import { KUBE_PROMETHEUS_STACK, KUBERNETES_LINES, kubernetesMinor, LINKERD, type LinkerdChannel } from "./versions";

/** The Kubernetes minors that something supports, both ends included; no end given means unbounded. */
export interface KubernetesRange {
  readonly from: string;
  readonly to?: string;
  /** Who says so. */
  readonly source: string;
}

/** What upstream supports, chart by chart. */
export const SUPPORTED_KUBERNETES: Readonly<Record<LinkerdChannel | "kube-prometheus-stack", KubernetesRange>> = {
  edge: { from: "1.31", to: "1.35", source: "Linkerd's release notes of edge-26.6.3 (2.20)" },
  stable: { from: "1.21", to: "1.28", source: "linkerd.io/2/reference/k8s-versions, row 2.14" },
  "kube-prometheus-stack": { from: "1.25", source: "kubeVersion in the chart's Chart.yaml" },
};

/** A choice of versions, as the workloads stack is about to install them. */
export interface VersionChoice {
  /** Version of the running cluster, with or without the leading v. */
  kubernetesVersion: string;
  linkerdChannel: LinkerdChannel;
}

const minorNumber = (version: string): number => Number(kubernetesMinor(version).split(".")[1]);

function outside(version: string, range: KubernetesRange): boolean {
  const minor = minorNumber(version);
  return minor < minorNumber(range.from) || (range.to !== undefined && minor > minorNumber(range.to));
}

function sentence(what: string, range: KubernetesRange, kubernetesVersion: string): string {
  const supported = range.to ? `${range.from} to ${range.to}` : `${range.from} and newer`;
  return `${what} supports Kubernetes ${supported}, the cluster runs ${kubernetesVersion} (${range.source})`;
}

/** Every reason why upstream does not support this combination; empty when it does. */
export function incompatibilities({ kubernetesVersion, linkerdChannel }: VersionChoice): string[] {
  const version = kubernetesVersion.replace(/^v/, "");
  const linkerd = SUPPORTED_KUBERNETES[linkerdChannel];
  const monitoring = SUPPORTED_KUBERNETES["kube-prometheus-stack"];
  const name = `Linkerd ${LINKERD[linkerdChannel].controlPlane.appVersion} (linkerdChannel ${linkerdChannel})`;
  return [
    ...(outside(version, linkerd) ? [sentence(name, linkerd, version)] : []),
    ...(outside(version, monitoring)
      ? [sentence(`kube-prometheus-stack ${KUBE_PROMETHEUS_STACK.version}`, monitoring, version)]
      : []),
  ];
}

/** Why the node scripts do not install this Kubernetes version; undefined when they do. */
export function unsupportedKubernetes(version: string): string | undefined {
  if (KUBERNETES_LINES[kubernetesMinor(version)]) return undefined;
  const lines = Object.keys(KUBERNETES_LINES);
  const known = minorNumber(lines[0] ?? "");
  return minorNumber(version) < known
    ? `Kubernetes ${kubernetesMinor(version)} has reached its end of life`
    : `Kubernetes ${kubernetesMinor(version)} needs containerd 2, which the node image does not have, and no Linkerd line supports it yet`;
}
