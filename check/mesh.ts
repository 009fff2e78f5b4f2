import type { V1Container, V1Namespace, V1ObjectMeta, V1Pod } from "@kubernetes/client-node";

import type { Cluster } from "./cluster";

/** The mesh as far as pods show it. */
export interface MeshPods {
  /** Namespace of Linkerd's control plane, `linkerd` by default. */
  controlNamespace: string;
  controlPlane: V1Pod[];
  /** Namespaces whose pods are to be injected. */
  namespaces: string[];
  /** Running pods that should have a proxy. */
  pods: V1Pod[];
}

const COMPONENT = "linkerd.io/control-plane-component";
const INJECT = "linkerd.io/inject";

/** Finds control plane and meshed pods by the labels and annotations that Linkerd itself goes by. */
export function meshPods({ pods, namespaces }: Cluster): MeshPods {
  const controlPlane = pods.filter(({ metadata }) => metadata?.labels?.[COMPONENT] !== undefined && !isOver(metadata));
  const controlNamespace = controlPlane[0]?.metadata?.namespace ?? "linkerd";
  const injected = namespaces.filter((namespace) => wantsProxy(namespace)).map(({ metadata }) => metadata?.name ?? "");
  return {
    controlNamespace,
    controlPlane,
    namespaces: injected,
    pods: pods.filter((pod) => injected.includes(pod.metadata?.namespace ?? "") && shouldBeMeshed(pod)),
  };
}

/** Whether the pod has its proxy, as an ordinary container or as a native sidecar. */
export function isMeshed(pod: V1Pod): boolean {
  return proxyKind(pod) !== "none";
}

const isProxy = ({ name }: V1Container): boolean => name === "linkerd-proxy";

/** The pod's proxy, wherever it stands among its containers. */
export function proxyOf({ spec }: V1Pod): V1Container | undefined {
  return spec?.initContainers?.find(isProxy) ?? spec?.containers.find(isProxy);
}

/** How the proxy runs: `native` sidecars (the default from 2.20 on) stand among the init containers. */
export function proxyKind({ spec }: V1Pod): "none" | "ordinary" | "native" {
  if (spec?.initContainers?.some(isProxy)) return "native";
  return spec?.containers.some(isProxy) ? "ordinary" : "none";
}

function wantsProxy({ metadata }: V1Namespace): boolean {
  return ["enabled", "ingress"].includes(metadata?.annotations?.[INJECT] ?? "");
}

/** Pods that opted out, use the host's network or have run to their end have none. */
function shouldBeMeshed({ metadata, spec, status }: V1Pod): boolean {
  const optedOut = metadata?.annotations?.[INJECT] === "disabled";
  const ended = status?.phase === "Succeeded" || status?.phase === "Failed";
  return !optedOut && !ended && !spec?.hostNetwork && !isOver(metadata);
}

function isOver(metadata: V1ObjectMeta | undefined): boolean {
  return metadata?.deletionTimestamp !== undefined;
}
