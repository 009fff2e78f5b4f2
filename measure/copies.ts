import type { V1Deployment, V1Namespace, V1Service, V1ServiceAccount } from "@kubernetes/client-node";

import { EXPIRES_ANNOTATION, OWNER_ANNOTATION } from "../check/manifests";
import type { Footprint } from "../k8s/budget";
import { deploymentSpec } from "../k8s/bookinfo/manifests";
import { PORT, type Workload, WORKLOADS } from "../k8s/bookinfo/services";

/** The two that are compared: they differ in the proxies and in nothing else. */
export const VARIANTS = ["plain", "meshed"] as const;

export type Variant = (typeof VARIANTS)[number];

/** By which a later run finds what a killed one left. */
export const MANAGED_BY = { "app.kubernetes.io/managed-by": "daybreak-measure" };

/** One version of reviews only, the last, so that every request takes the same way: page, details, reviews, ratings. */
const COPIED = WORKLOADS.filter(({ service, version }) => service !== "reviews" || version === "v3");

/** What both copies need beside the platform, while a measurement runs. */
export const MEASURE_FOOTPRINT: readonly Footprint[] = VARIANTS.flatMap((variant) =>
  COPIED.map(({ service, budget }) => ({
    pod: `${service} (${variant})`,
    replicas: 1,
    pinned: false,
    meshed: variant === "meshed",
    containers: { [service]: budget },
  })),
);

/** A copy's namespace. Both have the same Pod Security level, which the mesh's init container needs. */
export function copyNamespace(name: string, variant: Variant, owner: string, expires: Date): V1Namespace {
  return {
    metadata: {
      name,
      labels: { ...MANAGED_BY, "pod-security.kubernetes.io/enforce": "privileged" },
      annotations: {
        "linkerd.io/inject": variant === "meshed" ? "enabled" : "disabled",
        [OWNER_ANNOTATION]: owner,
        [EXPIRES_ANNOTATION]: expires.toISOString(),
      },
    },
  };
}

/** What goes into a copy's namespace. */
export interface Copy {
  accounts: V1ServiceAccount[];
  services: V1Service[];
  deployments: V1Deployment[];
}

/** Bookinfo as the platform runs it, with one pod each, all on one node: the way between nodes is the client's. */
export function copyOf(node: string): Copy {
  return {
    accounts: COPIED.map(({ service }) => ({ metadata: { name: `bookinfo-${service}` } })),
    services: COPIED.map(({ service }) => ({
      metadata: { name: service },
      spec: { selector: { app: service }, ports: [{ name: "http", port: PORT, targetPort: PORT }] },
    })),
    deployments: COPIED.map((workload) => ({
      metadata: { name: workload.service },
      spec: { ...onNode(workload, node), replicas: 1 },
    })),
  };
}

/** Nobody misses these pods, so they go at once. */
function onNode(workload: Workload, node: string) {
  const { template, ...spec } = deploymentSpec(workload, {
    pinToControlPlane: false,
    channel: "edge",
    trust: "",
    traces: false,
  });
  return {
    ...spec,
    template: {
      // Without the annotations: nothing of the mesh changes while they live.
      metadata: { labels: template.metadata.labels },
      spec: {
        ...template.spec,
        nodeSelector: { "kubernetes.io/hostname": node },
        topologySpreadConstraints: [],
        terminationGracePeriodSeconds: 1,
        containers: template.spec.containers.map((container) => ({ ...container, lifecycle: {} })),
      },
    },
  };
}
