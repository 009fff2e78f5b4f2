import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

/** Has Prometheus read the port `port` of all pods with these labels, as the job `<namespace>/<name>`. */
export function podMonitor(
  metadata: { name: string; namespace: pulumi.Input<string> },
  matchLabels: Record<string, string>,
  port: string,
  opts: pulumi.CustomResourceOptions,
) {
  return new k8s.apiextensions.CustomResource(
    metadata.name,
    {
      apiVersion: "monitoring.coreos.com/v1",
      kind: "PodMonitor",
      metadata: { ...metadata, labels: matchLabels },
      spec: { selector: { matchLabels }, podMetricsEndpoints: [{ port }] },
    },
    opts,
  );
}
