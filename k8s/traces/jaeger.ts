import type * as k8s from "@pulumi/kubernetes";

import { images } from "../../config/versions";
import { resources } from "../budget";
import { UNPRIVILEGED, unprivilegedPod } from "../security";
import { memoryGoal } from "../telemetry/collector";
import type { ConfigFile } from "../telemetry/config";
import { JAEGER as FOOTPRINT } from "./footprint";
import { JAEGER, JAEGER_PORT, OTLP_PORT } from "./names";

/** The user that the image is made for. */
const USER = 10001;

const PORT = { metrics: 8888, health: 13133 } as const;

/** Where the page and the exporter find the one storage. */
const STORAGE = "memory";

/** Jaeger as one process that keeps the newest traces in memory. It is a collector itself, with its own parts. */
export function jaegerConfig(maxTraces: number) {
  const metrics = { pull: { exporter: { prometheus: { host: "0.0.0.0", port: PORT.metrics } } } };
  return {
    extensions: {
      healthcheckv2: { use_v2: true, http: { endpoint: `0.0.0.0:${PORT.health}` } },
      jaeger_storage: { backends: { [STORAGE]: { memory: { max_traces: maxTraces } } } },
      jaeger_query: { storage: { traces: STORAGE }, http: { endpoint: `0.0.0.0:${JAEGER_PORT}` } },
    },
    receivers: { otlp: { protocols: { grpc: { endpoint: `0.0.0.0:${OTLP_PORT}` } } } },
    exporters: { jaeger_storage_exporter: { trace_storage: STORAGE } },
    service: {
      extensions: ["healthcheckv2", "jaeger_storage", "jaeger_query"],
      pipelines: { traces: { receivers: ["otlp"], exporters: ["jaeger_storage_exporter"] } },
      telemetry: { logs: { level: "warn" }, metrics: { readers: [metrics] } },
    },
  };
}

export function jaegerServiceSpec() {
  const port = (name: string, number: number) => ({ name, port: number, targetPort: number, protocol: "TCP" });
  return {
    type: "ClusterIP",
    selector: JAEGER,
    ports: [port("http", JAEGER_PORT), port("grpc-otlp", OTLP_PORT)],
  } satisfies k8s.types.input.core.v1.ServiceSpec;
}

function container() {
  const budget = FOOTPRINT.containers.jaeger;
  const healthy = { httpGet: { path: "/status", port: PORT.health } };
  const port = (name: string, containerPort: number) => ({ name, containerPort, protocol: "TCP" });
  return {
    name: "jaeger",
    image: images.jaeger,
    imagePullPolicy: "IfNotPresent",
    args: ["--config=/etc/jaeger/config.yaml"],
    env: [memoryGoal(budget)],
    ports: [port("http", JAEGER_PORT), port("grpc-otlp", OTLP_PORT), port("metrics", PORT.metrics)],
    startupProbe: { ...healthy, periodSeconds: 1, failureThreshold: 60 },
    readinessProbe: { ...healthy, periodSeconds: 5 },
    livenessProbe: { ...healthy, periodSeconds: 10, failureThreshold: 6 },
    resources: resources(budget),
    securityContext: { ...UNPRIVILEGED, readOnlyRootFilesystem: true },
    volumeMounts: [{ name: "config", mountPath: "/etc/jaeger", readOnly: true }],
  } satisfies k8s.types.input.core.v1.Container;
}

/** One Jaeger on a worker, outside the mesh: Grafana, which asks it, is outside too. */
export function jaegerSpec({ annotations, volume }: ConfigFile) {
  return {
    replicas: 1,
    // Each of two would have half of a trace.
    strategy: { type: "Recreate" },
    selector: { matchLabels: JAEGER },
    template: {
      metadata: { labels: JAEGER, annotations },
      spec: {
        automountServiceAccountToken: false,
        securityContext: unprivilegedPod(USER),
        containers: [container()],
        volumes: [volume],
      },
    },
  } satisfies k8s.types.input.apps.v1.DeploymentSpec;
}
