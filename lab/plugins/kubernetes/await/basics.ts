/** When a Pod, Service, claim, volume, Ingress, Secret or CustomResourceDefinition is ready. */
import type { Cluster } from "../cluster";
import { type KubeObject, at, conditionOf, listAt, textAt } from "../object";
import { isPlainObject } from "../../server/values";
import { isPodReady } from "./pods";
import type { Readiness, Verdict } from "./readiness";

/** Seconds after which a Service whose selector matches no pod counts as meant that way, as upstream has it. */
const NO_PODS_SECONDS = 10;

/** Ready, or ended well. */
export const pod: Readiness = {
  self: true,
  judge(object): Verdict {
    const phase = textAt(object, "status.phase");
    if (phase === "Failed") return { ready: false, status: "", failed: ["the pod has failed"] };
    return { ready: isPodReady(object), status: phase || "Pending" };
  },
};

/** It has a ready endpoint and none that is not, unless nothing is to be selected; a load balancer has its address. */
export const service: Readiness = {
  pods: (object) =>
    Object.entries(selectorOf(object))
      .map(([key, value]) => `${key}=${String(value)}`)
      .join(","),
  async judge(object, { cluster, seconds }): Promise<Verdict> {
    const type = textAt(object, "spec.type");
    if (type === "LoadBalancer" && listAt(object, "status.loadBalancer.ingress").length === 0) {
      return { ready: false, status: "waiting for the load balancer's address; is there a cloud controller?" };
    }
    const selects = Object.keys(selectorOf(object)).length > 0;
    if (!selects || type === "ExternalName" || textAt(object, "spec.clusterIP") === "None") return { ready: true };
    const endpoints = await endpointsOf(cluster, object);
    const unready = endpoints.filter((endpoint) => at(endpoint, "conditions.ready") === false).length;
    if (endpoints.length === 0) {
      return { ready: seconds >= NO_PODS_SECONDS, status: "finding pods to direct traffic to" };
    }
    return { ready: unready === 0, status: `${endpoints.length - unready}/${endpoints.length} endpoints ready` };
  },
};

function selectorOf(object: KubeObject): Record<string, unknown> {
  const selector = at(object, "spec.selector");
  return isPlainObject(selector) ? selector : {};
}

async function endpointsOf(cluster: Cluster, object: KubeObject): Promise<unknown[]> {
  const { namespace = "default", name } = object.metadata;
  const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
  const slices = await cluster.list(path, { labelSelector: `kubernetes.io/service-name=${name}` });
  // A terminating endpoint belongs to a pod that is going: it says nothing about the new ones.
  return slices
    .flatMap((slice) => listAt(slice, "endpoints"))
    .filter((endpoint) => at(endpoint, "conditions.terminating") !== true);
}

/** Bound; one whose class binds only when a pod comes is ready while it waits. */
export const claim: Readiness = {
  async judge(object, { cluster }): Promise<Verdict> {
    const phase = textAt(object, "status.phase");
    if (phase === "Bound") return { ready: true };
    const name = textAt(object, "spec.storageClassName");
    const place = { apiVersion: "storage.k8s.io/v1", kind: "StorageClass", name };
    const storageClass = name ? await cluster.get(place) : undefined;
    const later = textAt(storageClass, "volumeBindingMode") === "WaitForFirstConsumer";
    return { ready: later && phase === "Pending", status: `${phase || "Pending"}, no volume bound yet` };
  },
};

/** Available or bound. */
export const volume: Readiness = {
  judge(object): Verdict {
    const phase = textAt(object, "status.phase");
    return { ready: phase === "Available" || phase === "Bound", status: phase || "Pending" };
  },
};

/** A controller has given it an address. */
export const ingress: Readiness = {
  judge(object): Verdict {
    const ready = listAt(object, "status.loadBalancer.ingress").length > 0;
    return { ready, status: "waiting for an ingress controller to give it an address" };
  },
};

/** A service account's token has been filled in; other Secrets are ready at once. */
export const secretObject: Readiness = {
  judge(object): Verdict {
    const token = object.type === "kubernetes.io/service-account-token";
    const filled = Object.keys(isPlainObject(object.data) ? object.data : {}).length > 0;
    return { ready: !token || filled, status: "waiting for the token" };
  },
};

/** Its names are accepted and the API server serves its kind, so that custom resources can follow at once. */
export const definition: Readiness = {
  async judge(object, { cluster }): Promise<Verdict> {
    const names = conditionOf(object, "NamesAccepted");
    if (names?.status === "False") {
      return { ready: false, status: "", failed: [`names not accepted: ${textAt(names, "message")}`] };
    }
    const waiting = { ready: false, status: "waiting for the API server to serve it" };
    if (conditionOf(object, "Established")?.status !== "True") return waiting;
    const served = listAt(object, "spec.versions").filter((version) => version.served === true);
    for (const version of served) {
      const apiVersion = `${textAt(object, "spec.group")}/${textAt(version, "name")}`;
      if (!(await cluster.kind(apiVersion, textAt(object, "spec.names.kind")))) return waiting;
    }
    return { ready: true };
  },
};
