import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { proxyAnnotations, type ProxySettings } from "../linkerd/values";
import { namespace } from "../namespace";
import { REMOVED_IN_BACKGROUND } from "../removal";
import { loadPod } from "./load";
import { trafficRules } from "./rules";

export interface TrafficArgs extends ProxySettings<pulumi.Input<string>> {
  /** Page to ask for. */
  url: string;
  /** Requests a second, 0 to 1000; 0 keeps the generator, without a pod. */
  rate: number;
  /** The mesh's control plane, and the service with the page. */
  dependsOn: pulumi.Input<pulumi.Resource>[];
  /** What brings the type PrometheusRule, and the webhook that looks at each. */
  monitoring: pulumi.Resource;
}

/** The rate in the command line of a generator that is switched off; it has no pod that would use it. */
const IDLE_RATE = 1;

/**
 * A standing generator of constant traffic in the meshed namespace `traffic`.
 *
 * Its proxy reports every answer to Prometheus as it happens, and rules make the figures of it: rate, errors and
 * percentiles as the client sees them. fortio itself serves no such figures while it runs; it prints its report at the
 * end of a run, and this one has none.
 */
export class Traffic extends pulumi.ComponentResource {
  readonly namespace: k8s.core.v1.Namespace;
  readonly deployment: k8s.apps.v1.Deployment;

  constructor(name: string, args: TrafficArgs, opts?: pulumi.ComponentResourceOptions) {
    super("daybreak:k8s:Traffic", name, { url: args.url, rate: args.rate }, opts);
    const parent = { parent: this };
    this.namespace = namespace(
      {
        name: "traffic",
        podSecurity: "privileged",
        podSecurityWarning: "restricted",
        annotations: { "linkerd.io/inject": "enabled" },
      },
      parent,
    );
    const labels = { app: "traffic" };
    this.deployment = new k8s.apps.v1.Deployment(
      "traffic",
      {
        metadata: {
          name: "traffic",
          namespace: this.namespace.metadata.name,
          labels,
          annotations: REMOVED_IN_BACKGROUND,
        },
        spec: {
          replicas: args.rate > 0 ? 1 : 0,
          // Two generators side by side would double the rate.
          strategy: { type: "Recreate" },
          selector: { matchLabels: labels },
          template: {
            metadata: { labels, annotations: proxyAnnotations(args) },
            spec: loadPod({ url: args.url, rate: args.rate || IDLE_RATE, extent: "forever" }),
          },
        },
      },
      { ...parent, dependsOn: args.dependsOn, customTimeouts: { create: "5m", update: "5m" } },
    );
    new k8s.apiextensions.CustomResource(
      "traffic",
      {
        apiVersion: "monitoring.coreos.com/v1",
        kind: "PrometheusRule",
        metadata: {
          name: "traffic",
          namespace: this.namespace.metadata.name,
          labels,
          annotations: REMOVED_IN_BACKGROUND,
        },
        spec: trafficRules(args.rate),
      },
      { ...parent, dependsOn: [args.monitoring] },
    );
    this.registerOutputs({ deployment: this.deployment.metadata.name });
  }
}
