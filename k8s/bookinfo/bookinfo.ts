import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { MESH_TYPES, type MeshObject } from "../linkerd/types";
import { namespace } from "../namespace";
import { REMOVED_IN_BACKGROUND } from "../removal";
import { authorization, DENY_BY_DEFAULT } from "./authorization";
import { type BookinfoChoices, deploymentSpec, serviceSpec, versionSpec } from "./manifests";
import { disruptionBudget } from "./resilience";
import { routes, versionService, type Weights } from "./routes";
import {
  account,
  isScaled,
  SERVICES,
  type ServiceName,
  type Version,
  VERSIONS,
  type Workload,
  workloadLabels,
  workloadName,
  WORKLOADS,
} from "./services";

export interface BookinfoArgs extends BookinfoChoices {
  /** Shares of the requests to reviews. */
  reviewsWeights: Weights;
  /**
   * The mesh's control plane: pods made before its injector is ready would run without a proxy, and nobody would notice.
   * And viz: proxies made before it cannot be tapped.
   */
  mesh: pulumi.Resource[];
}

/** Six workloads start in parallel, each with a proxy; a busy t3.medium needs minutes for the three Java servers. */
const LIMIT = { create: "8m", update: "8m" };

/**
 * The deployments say when something is behind a service. Waiting for the service itself as well would only add the ten
 * seconds that Pulumi lets its endpoints settle.
 */
const NO_WAIT = { "pulumi.com/skipAwait": "true" };

/**
 * The number of pods belongs to an autoscaler as soon as it has changed it. Once there is none any more, an update would
 * not get it back by asking.
 */
const TAKE_OVER = { "pulumi.com/patchForce": "true" };

/**
 * Istio's Bookinfo in the meshed namespace `bookinfo`: six workloads behind four services, the mesh's routes between
 * them, and its policies, which refuse every call that is not one of Bookinfo's own chain.
 */
export class Bookinfo extends pulumi.ComponentResource {
  /** In-cluster address of the page. */
  readonly pageUrl = "http://productpage.bookinfo.svc.cluster.local:9080/productpage";
  /** What whoever asks for the page waits for. */
  readonly workloads: readonly pulumi.Resource[];
  readonly namespace: k8s.core.v1.Namespace;

  constructor(name: string, args: BookinfoArgs, opts?: pulumi.ComponentResourceOptions) {
    const { pinToControlPlane, channel, reviewsWeights, mesh } = args;
    // Without what comes from the mesh: the component, and with it the namespace and the accounts, would wait for it. And
    // without the weights: whoever updates the one route that has them would leave the component for the next update.
    super("daybreak:k8s:Bookinfo", name, { pinToControlPlane, channel }, opts);
    const annotations = { "linkerd.io/inject": "enabled", ...DENY_BY_DEFAULT };
    this.namespace = namespace(
      { name: "bookinfo", podSecurity: "privileged", podSecurityWarning: "restricted", annotations },
      { parent: this },
    );
    const types = MESH_TYPES[channel];
    const rules = [...routes(types, reviewsWeights), ...authorization(types)].map((object) =>
      this.meshObject(object, mesh),
    );
    for (const version of VERSIONS) this.versionService(version);
    this.workloads = [...rules, ...SERVICES.flatMap((service) => this.service(service, args))];
    this.registerOutputs({ pageUrl: this.pageUrl });
  }

  /** A service with its account, its workloads and how many of their pods may be taken at once. */
  private service(service: ServiceName, args: BookinfoArgs): pulumi.Resource[] {
    const parent = { parent: this };
    const identity = new k8s.core.v1.ServiceAccount(
      account(service),
      { metadata: this.metadata(account(service), { account: service }) },
      parent,
    );
    const address = new k8s.core.v1.Service(
      service,
      {
        metadata: { ...this.metadata(service, { app: service, service }), annotations: NO_WAIT },
        spec: serviceSpec(service),
      },
      parent,
    );
    this.disruptionBudget(service, args);
    const deployments = WORKLOADS.filter((workload) => workload.service === service).map((workload) =>
      this.deployment(workload, args, [...args.mesh, identity]),
    );
    return [address, ...deployments];
  }

  private disruptionBudget(service: ServiceName, { pinToControlPlane }: BookinfoArgs): void {
    const spec = disruptionBudget(service, pinToControlPlane);
    const metadata = this.metadata(service, { app: service });
    if (spec) new k8s.policy.v1.PodDisruptionBudget(service, { metadata, spec }, { parent: this });
  }

  /** A service of one version of reviews. Nobody calls it by name: the route of reviews sends to it. */
  private versionService(version: Version): void {
    const name = versionService(version);
    const metadata = { ...this.metadata(name, { app: "reviews", version }), annotations: NO_WAIT };
    new k8s.core.v1.Service(name, { metadata, spec: versionSpec(version) }, { parent: this });
  }

  private meshObject(
    { apiVersion, kind, versions = [], name, annotations, spec }: MeshObject,
    mesh: pulumi.Resource[],
  ): pulumi.Resource {
    const metadata = { ...this.metadata(name, { app: "bookinfo" }), ...(annotations && { annotations }) };
    const args = { apiVersion, kind, metadata, spec };
    const aliases = versions.map((version) => ({ type: `kubernetes:${version}:${kind}` }));
    // In another channel's version it is the same object: the mesh would refuse a second one for these pods.
    const replaced = { aliases, replaceOnChanges: ["apiVersion"], deleteBeforeReplace: true };
    return new k8s.apiextensions.CustomResource(name, args, { parent: this, dependsOn: mesh, ...replaced });
  }

  private deployment(workload: Workload, args: BookinfoArgs, dependsOn: pulumi.Resource[]): k8s.apps.v1.Deployment {
    const id = workloadName(workload);
    const metadata = this.metadata(id, workloadLabels(workload));
    const annotations = { ...REMOVED_IN_BACKGROUND, ...(isScaled(workload) && TAKE_OVER) };
    return new k8s.apps.v1.Deployment(
      id,
      { metadata: { ...metadata, annotations }, spec: deploymentSpec(workload, args) },
      { parent: this, dependsOn, customTimeouts: LIMIT },
    );
  }

  private metadata(name: string, labels: Record<string, string>) {
    return { name, namespace: this.namespace.metadata.name, labels };
  }
}
