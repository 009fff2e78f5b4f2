import type * as k8s from "@pulumi/kubernetes";
import type { Input } from "@pulumi/pulumi";

import { proxyAnnotations } from "../linkerd/values";
import { unprivilegedPod } from "../security";
import { collectorConfig, collectorContainer, SENDING_QUEUE } from "../telemetry/collector";
import type { ConfigFile } from "../telemetry/config";
import { TRACE_COLLECTOR as FOOTPRINT } from "./footprint";
import { COLLECTOR, JAEGER_OTLP, OTLP_PORT, TRACE_COLLECTOR } from "./names";

/** The user that the image is made for. */
const USER = 10001;

/**
 * Takes the proxies' spans and gives each the name of its pod's application, its label `app`: a proxy calls itself
 * linkerd-proxy, whichever pod it stands in, and says which that is.
 */
export function traceCollectorConfig() {
  return collectorConfig("traces", {
    receivers: { otlp: { protocols: { grpc: { endpoint: `0.0.0.0:${OTLP_PORT}` } } } },
    processors: {
      k8s_attributes: {
        pod_association: ["k8s.pod.uid", "k8s.pod.ip"].map((name) => ({
          sources: [{ from: "resource_attribute", name }],
        })),
        extract: {
          metadata: ["k8s.namespace.name", "k8s.pod.name", "k8s.node.name"],
          labels: ["app", "version"].map((key) => ({ tag_name: key, key, from: "pod" })),
        },
      },
      resource: { attributes: [{ key: "service.name", action: "upsert", from_attribute: "app" }] },
    },
    exporters: {
      otlp_grpc: {
        endpoint: JAEGER_OTLP,
        // Within the namespace, where policies let nobody else in.
        tls: { insecure: true },
        sending_queue: SENDING_QUEUE,
        // Who looks for a trace looks for a new one.
        retry_on_failure: { max_elapsed_time: "1m" },
      },
    },
  });
}

/** What the collector may read: which pod a span comes from. */
export const COLLECTOR_RULES = [
  { apiGroups: [""], resources: ["pods", "namespaces"], verbs: ["get", "list", "watch"] },
];

export function collectorServiceSpec() {
  const port = { name: "grpc-otlp", port: OTLP_PORT, targetPort: OTLP_PORT, protocol: "TCP" };
  return { type: "ClusterIP", selector: TRACE_COLLECTOR, ports: [port] } satisfies k8s.types.input.core.v1.ServiceSpec;
}

/** One in the mesh: proxies send their spans to a certificate and not to an address. */
export function collectorSpec({ annotations, volume }: ConfigFile, trust: Input<string>) {
  return {
    replicas: 1,
    selector: { matchLabels: TRACE_COLLECTOR },
    template: {
      metadata: {
        labels: TRACE_COLLECTOR,
        annotations: { ...annotations, ...proxyAnnotations({ trust, traces: true }), "linkerd.io/inject": "enabled" },
      },
      spec: {
        serviceAccountName: COLLECTOR.account,
        securityContext: unprivilegedPod(USER),
        containers: [
          collectorContainer({
            name: "trace-collector",
            budget: FOOTPRINT.containers["trace-collector"],
            ports: [{ name: "grpc-otlp", containerPort: OTLP_PORT, protocol: "TCP" }],
          }),
        ],
        volumes: [volume],
      },
    },
  } satisfies k8s.types.input.apps.v1.DeploymentSpec;
}
