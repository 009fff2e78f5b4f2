import type * as k8s from "@pulumi/kubernetes";

import { images } from "../../config/versions";
import { resources } from "../budget";
import { UNPRIVILEGED, unprivilegedPod } from "../security";
import { memoryGoal } from "../telemetry/collector";
import type { ConfigFile } from "../telemetry/config";
import { LOKI as FOOTPRINT } from "./footprint";
import { LOKI, LOKI_PORT } from "./names";

/** How long lines are kept, and on how much disk. */
export interface Retention {
  hours: number;
  volumeGib: number;
}

/** The user that the image is made for. */
const USER = 10001;

const DATA = "/loki";

/** Lines to one byte on disk: gzip makes a tenth of log lines; half as well is counted on. */
const COMPRESSION = 5;

/** How long deleted lines stay on disk, for queries that are under way. */
const DELETE_DELAY = "10m";

/**
 * MiB a second that may be written on average, so that the volume lasts as long as the retention. Loki takes the oldest
 * lines away by their age and not when the disk is full; so it has to refuse what would fill it.
 */
export function ingestionRate({ hours, volumeGib }: Retention): number {
  return Math.floor(((volumeGib * 1024 * COMPRESSION) / (hours * 3600)) * 1000) / 1000;
}

/**
 * Loki as one process that keeps everything in one folder, for one tenant. Lines reach the disk after minutes instead of
 * hours, so that they need little memory until then; a log of its own outlives a restart of the container.
 */
export function lokiConfig(retention: Retention) {
  const rate = ingestionRate(retention);
  return {
    auth_enabled: false,
    analytics: { reporting_enabled: false },
    server: { http_listen_port: LOKI_PORT, log_level: "warn" },
    common: {
      // Its parts find one another in this process.
      instance_addr: "127.0.0.1",
      path_prefix: DATA,
      replication_factor: 1,
      ring: { kvstore: { store: "inmemory" } },
      storage: { filesystem: { chunks_directory: `${DATA}/chunks`, rules_directory: `${DATA}/rules` } },
    },
    schema_config: {
      configs: [
        {
          from: "2025-01-01",
          store: "tsdb",
          object_store: "filesystem",
          schema: "v13",
          index: { prefix: "index_", period: "24h" },
        },
      ],
    },
    ingester: { chunk_idle_period: "10m", max_chunk_age: "1h", wal: { replay_memory_ceiling: "256MB" } },
    compactor: {
      working_directory: `${DATA}/compactor`,
      retention_enabled: true,
      retention_delete_delay: DELETE_DELAY,
      delete_request_store: "filesystem",
    },
    limits_config: {
      retention_period: `${retention.hours}h`,
      max_query_lookback: `${retention.hours}h`,
      ingestion_rate_mb: rate,
      // A node's worth of lines at once, when a reader starts: never less than one of its batches.
      ingestion_burst_size_mb: Math.max(16, Math.ceil(rate * 4)),
      otlp_config: {
        // What the file's name says is in the labels already.
        log_attributes: [{ action: "drop", attributes: ["log.file.path", "log.file.name", "logtag"] }],
      },
    },
    query_range: { results_cache: { cache: { embedded_cache: { enabled: true, max_size_mb: 32 } } } },
  };
}

export function lokiServiceSpec() {
  const port = { name: "http", port: LOKI_PORT, targetPort: LOKI_PORT, protocol: "TCP" };
  return { type: "ClusterIP", selector: LOKI, ports: [port] } satisfies k8s.types.input.core.v1.ServiceSpec;
}

function container() {
  const budget = FOOTPRINT.containers.loki;
  const ready = { httpGet: { path: "/ready", port: LOKI_PORT } };
  return {
    name: "loki",
    image: images.loki,
    imagePullPolicy: "IfNotPresent",
    args: ["-target=all", "-config.file=/etc/loki/config/config.yaml"],
    env: [memoryGoal(budget)],
    ports: [{ name: "http", containerPort: LOKI_PORT, protocol: "TCP" }],
    // It says that it is ready 15 s after it is, and reads its own log before that.
    startupProbe: { ...ready, periodSeconds: 2, failureThreshold: 90 },
    readinessProbe: { ...ready, periodSeconds: 5 },
    // Not by /ready, which is a matter of whom to ask: a Loki that reads its log must not be killed for it.
    livenessProbe: { tcpSocket: { port: LOKI_PORT }, periodSeconds: 10, failureThreshold: 6 },
    resources: resources(budget),
    securityContext: { ...UNPRIVILEGED, readOnlyRootFilesystem: true },
    volumeMounts: [
      { name: "config", mountPath: "/etc/loki/config", readOnly: true },
      { name: "data", mountPath: DATA },
      { name: "tmp", mountPath: "/tmp" },
    ],
  } satisfies k8s.types.input.core.v1.Container;
}

/** One Loki on a worker. Two would write into one folder: the old one goes before the new one comes. */
export function lokiSpec({ annotations, volume }: ConfigFile, retention: Retention) {
  return {
    replicas: 1,
    strategy: { type: "Recreate" },
    selector: { matchLabels: LOKI },
    template: {
      metadata: { labels: LOKI, annotations },
      spec: {
        automountServiceAccountToken: false,
        securityContext: unprivilegedPod(USER),
        // For what is in memory still.
        terminationGracePeriodSeconds: 60,
        containers: [container()],
        volumes: [
          volume,
          { name: "data", emptyDir: { sizeLimit: `${retention.volumeGib}Gi` } },
          { name: "tmp", emptyDir: { sizeLimit: "256Mi" } },
        ],
      },
    },
  } satisfies k8s.types.input.apps.v1.DeploymentSpec;
}
