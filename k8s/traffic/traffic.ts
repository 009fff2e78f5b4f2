import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { namespace } from "../namespace";
import { type Load, loadPod } from "./load";

export interface TrafficArgs {
  /** Page to ask for. */
  url: string;
  /** Requests a second, 0 to 1000; 0 keeps the generator, without a pod. */
  rate: number;
  /** The mesh's control plane, and the service with the page. */
  dependsOn: pulumi.Input<pulumi.Resource>[];
}

/** The rate in the command line of a generator that is switched off; it has no pod that would use it. */
const IDLE_RATE = 1;

/**
 * A standing generator of constant traffic in the meshed namespace `traffic`.
 *
 * Its proxy reports every answer to Prometheus as it happens (`response_total`, `response_latency_ms`, direction
 * outbound, deployment traffic): rate, errors and percentiles as the client sees them, by the mesh's own PodMonitor.
 * fortio itself serves no such figures while it runs; it prints its report at the end of a run, and this one has none.
 */
export class Traffic extends pulumi.ComponentResource {
  readonly namespace: k8s.core.v1.Namespace;
  readonly deployment: k8s.apps.v1.Deployment;

  constructor(name: string, args: TrafficArgs, opts?: pulumi.ComponentResourceOptions) {
    super("daybreak:k8s:Traffic", name, { url: args.url, rate: args.rate }, opts);
    const parent = { parent: this };
    this.namespace = namespace(
      { name: "traffic", podSecurity: "privileged", annotations: { "linkerd.io/inject": "enabled" } },
      parent,
    );
    const labels = { app: "traffic" };
    this.deployment = new k8s.apps.v1.Deployment(
      "traffic",
      {
        metadata: { name: "traffic", namespace: this.namespace.metadata.name, labels },
        spec: {
          replicas: args.rate > 0 ? 1 : 0,
          // Two generators side by side would double the rate.
          strategy: { type: "Recreate" },
          selector: { matchLabels: labels },
          template: {
            metadata: { labels },
            spec: loadPod({ url: args.url, rate: args.rate || IDLE_RATE, extent: "forever" }),
          },
        },
      },
      { ...parent, dependsOn: args.dependsOn, customTimeouts: { create: "5m", update: "5m" } },
    );
    this.registerOutputs({ deployment: this.deployment.metadata.name });
  }
}

/** A run that ends: for a measurement, say. Its report is in the pod's log. */
export interface TrafficJobArgs {
  load: Load & { extent: Exclude<Load["extent"], "forever"> };
  namespace: pulumi.Input<string>;
  /**
   * Whether the run goes through the mesh. Only where proxies are native sidecars (Linkerd's edge line): an ordinary
   * one never ends, and neither would the Job.
   */
  meshed: boolean;
}

/** The one-off form of the generator. Not part of the standing platform; a program that wants one calls this. */
export function trafficJob(name: string, args: TrafficJobArgs, opts: pulumi.CustomResourceOptions): k8s.batch.v1.Job {
  const labels = { app: "traffic-job" };
  return new k8s.batch.v1.Job(
    name,
    {
      metadata: { name, namespace: args.namespace, labels },
      spec: {
        backoffLimit: 0,
        ttlSecondsAfterFinished: 3600,
        template: {
          metadata: { labels, annotations: { "linkerd.io/inject": args.meshed ? "enabled" : "disabled" } },
          spec: { ...loadPod(args.load), restartPolicy: "Never" },
        },
      },
    },
    opts,
  );
}
