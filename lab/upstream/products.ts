import { KUBE_PROMETHEUS_STACK, LINKERD, type LinkerdChannel } from "../../config/versions";
import type { ChartProduct } from "./charts";

// eslint-disable-next-line @typescript-eslint/no-require-imports -- Pulumi's SDKs come with the values and take a second
const values = () => require("./values") as typeof import("./values");

const MONITORING: ChartProduct = {
  name: "kube-prometheus-stack",
  charts: [{ pin: KUBE_PROMETHEUS_STACK, values: () => values().monitoring() }],
  owns: /^(quay\.io\/prometheus|docker\.io\/grafana\/grafana:|registry\.k8s\.io\/kube-state-metrics\/)/,
  programs: { "quay.io/prometheus/prometheus:": "bin/promtool" },
};

function linkerd(channel: LinkerdChannel, owns: RegExp): ChartProduct {
  const { crds, controlPlane, viz } = LINKERD[channel];
  return {
    name: `Linkerd ${controlPlane.appVersion}`,
    charts: [
      { pin: crds, values: () => values().crds(channel) },
      { pin: controlPlane, values: () => values().controlPlane() },
      { pin: viz, values: () => values().viz(channel) },
    ],
    owns,
    programs: {},
  };
}

/** Every product that this project installs by charts. */
export const CHART_PRODUCTS: readonly ChartProduct[] = [
  MONITORING,
  linkerd("edge", /^cr\.l5d\.io\/.*:edge-/),
  linkerd("stable", /^cr\.l5d\.io\/.*:stable-/),
];

/** The product that an image of the lab's own making belongs to. */
export function productOf(image: string): ChartProduct | undefined {
  return CHART_PRODUCTS.find(({ owns }) => owns.test(image));
}

/** Programs of images without a chart that also run on this machine. */
export const IMAGE_PROGRAMS: Readonly<Record<string, string>> = { "docker.io/fortio/fortio:": "usr/bin/fortio" };

/** What upstream's own of an image asks of the kernel beyond what every lab does; the lab's has a way around it. */
export const IMAGE_FEATURES: Readonly<Record<string, string>> = {
  "registry.k8s.io/networking/kube-network-policies:": "NFT_QUEUE",
};
