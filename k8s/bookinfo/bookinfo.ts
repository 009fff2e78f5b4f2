import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { namespace } from "../namespace";
import { type BookinfoChoices, deploymentSpec, serviceSpec } from "./manifests";
import { disruptionBudget } from "./resilience";
import { SERVICES, type ServiceName, type Workload, WORKLOADS } from "./services";

export interface BookinfoArgs extends BookinfoChoices {
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

/** Istio's Bookinfo in the meshed namespace `bookinfo`: six workloads behind four services. */
export class Bookinfo extends pulumi.ComponentResource {
  /** In-cluster address of the page. */
  readonly pageUrl = "http://productpage.bookinfo.svc.cluster.local:9080/productpage";
  /** What whoever asks for the page waits for. */
  readonly workloads: readonly pulumi.Resource[];
  readonly namespace: k8s.core.v1.Namespace;

  constructor(name: string, args: BookinfoArgs, opts?: pulumi.ComponentResourceOptions) {
    // Without the mesh: the component, and with it the namespace and the accounts, would wait for it.
    super("daybreak:k8s:Bookinfo", name, { pinToControlPlane: args.pinToControlPlane, channel: args.channel }, opts);
    this.namespace = namespace(
      { name: "bookinfo", podSecurity: "privileged", annotations: { "linkerd.io/inject": "enabled" } },
      { parent: this },
    );
    this.workloads = SERVICES.flatMap((service) => this.service(service, args));
    this.registerOutputs({ pageUrl: this.pageUrl });
  }

  /** A service with its account, its workloads and how many of their pods may be taken at once. */
  private service(service: ServiceName, args: BookinfoArgs): pulumi.Resource[] {
    const parent = { parent: this };
    const account = new k8s.core.v1.ServiceAccount(
      `bookinfo-${service}`,
      { metadata: this.metadata(`bookinfo-${service}`, { account: service }) },
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
      this.deployment(workload, args, [...args.mesh, account]),
    );
    return [address, ...deployments];
  }

  private disruptionBudget(service: ServiceName, { pinToControlPlane }: BookinfoArgs): void {
    const spec = disruptionBudget(service, pinToControlPlane);
    const metadata = this.metadata(service, { app: service });
    if (spec) new k8s.policy.v1.PodDisruptionBudget(service, { metadata, spec }, { parent: this });
  }

  private deployment(workload: Workload, args: BookinfoArgs, dependsOn: pulumi.Resource[]): k8s.apps.v1.Deployment {
    const id = `${workload.service}-${workload.version}`;
    const labels = { app: workload.service, version: workload.version };
    return new k8s.apps.v1.Deployment(
      id,
      { metadata: this.metadata(id, labels), spec: deploymentSpec(workload, args) },
      { parent: this, dependsOn, customTimeouts: LIMIT },
    );
  }

  private metadata(name: string, labels: Record<string, string>) {
    return { name, namespace: this.namespace.metadata.name, labels };
  }
}
