import type * as k8s from "@pulumi/kubernetes";

import { images } from "../../config/versions";
import { type Budget, resources } from "../budget";
import { UNPRIVILEGED } from "../security";

/** Where a collector serves its own figures, and where it says that it is well. */
const PORT = { metrics: 8888, health: 13133 } as const;

/** What a collector reads and where it sends; its own health and figures are added to it. */
export interface Pipeline {
  extensions?: Record<string, object>;
  receivers: Record<string, object>;
  processors?: Record<string, object>;
  exporters: Record<string, object>;
}

/**
 * An OpenTelemetry Collector's configuration with one pipeline. A collector that comes near its memory limit refuses more
 * until it has sent some, instead of being killed with all of it.
 */
export function collectorConfig(signal: "logs" | "traces", pipeline: Pipeline) {
  const processors = { memory_limiter: MEMORY_LIMITER, ...pipeline.processors };
  const extensions = { health_check: { endpoint: `0.0.0.0:${PORT.health}` }, ...pipeline.extensions };
  const metrics = { pull: { exporter: { prometheus: { host: "0.0.0.0", port: PORT.metrics } } } };
  return {
    ...pipeline,
    extensions,
    processors,
    service: {
      extensions: Object.keys(extensions),
      pipelines: {
        [signal]: {
          receivers: Object.keys(pipeline.receivers),
          processors: Object.keys(processors),
          exporters: Object.keys(pipeline.exporters),
        },
      },
      telemetry: { logs: { level: "warn" }, metrics: { readers: [metrics] } },
    },
  };
}

const MEMORY_LIMITER = { check_interval: "1s", limit_percentage: 80, spike_limit_percentage: 20 };

/** How lines or spans wait for the next program: a bounded number of them, sent in batches, a second late at most. */
export const SENDING_QUEUE = {
  sizer: "items",
  queue_size: 20_000,
  batch: { flush_timeout: "1s", min_size: 2000, max_size: 5000 },
};

/** Folder with the configuration. */
const FOLDER = "/etc/otelcol";

export interface CollectorArgs {
  name: string;
  budget: Budget;
  env?: k8s.types.input.core.v1.EnvVar[];
  ports?: k8s.types.input.core.v1.ContainerPort[];
  volumeMounts?: k8s.types.input.core.v1.VolumeMount[];
}

/** The container of a collector, on a root that nobody can write; its configuration is the volume `config`. */
export function collectorContainer({ name, budget, env = [], ports = [], volumeMounts = [] }: CollectorArgs) {
  const healthy = { httpGet: { path: "/", port: PORT.health } };
  return {
    name,
    image: images.openTelemetryCollector,
    imagePullPolicy: "IfNotPresent",
    args: [`--config=${FOLDER}/config.yaml`],
    env: [memoryGoal(budget), ...env],
    ports: [...ports, { name: "metrics", containerPort: PORT.metrics, protocol: "TCP" }],
    startupProbe: { ...healthy, periodSeconds: 1, failureThreshold: 60 },
    readinessProbe: { ...healthy, periodSeconds: 5 },
    livenessProbe: { ...healthy, periodSeconds: 10, failureThreshold: 6 },
    resources: resources(budget),
    securityContext: { ...UNPRIVILEGED, readOnlyRootFilesystem: true },
    volumeMounts: [{ name: "config", mountPath: FOLDER, readOnly: true }, ...volumeMounts],
  } satisfies k8s.types.input.core.v1.Container;
}

/** Go's collector of garbage works harder from here on: below the limit at which the container is killed. */
export function memoryGoal({ memoryLimit }: Budget) {
  return { name: "GOMEMLIMIT", value: `${Math.floor(memoryLimit * 0.8)}MiB` };
}
