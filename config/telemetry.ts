import { between, flag, key } from "./key";

/** Keys of a stack with `layer: k8s` that concern logs and traces; both are off unless somebody asks for them. */
export const telemetryShape = {
  logs: key(
    flag(false),
    "Whether what containers write is kept in Loki, read by an OpenTelemetry Collector on each node and shown in Grafana.",
    "true or false (default false)",
    "daybreak:logs true",
  ),
  logRetentionHours: key(
    between(1, 168).default(24),
    "How long log lines are kept, in hours. With logVolumeGib it bounds how much may be written: docs/logs.md.",
    "a whole number from 1 to 168 (default 24)",
    "daybreak:logRetentionHours 24",
  ),
  logVolumeGib: key(
    between(1, 100).default(4),
    "How much of its node's disk Loki may fill, in GiB.",
    "a whole number from 1 to 100, within rootVolumeGib (default 4)",
    "daybreak:logVolumeGib 4",
  ),
  traces: key(
    flag(false),
    "Whether the mesh's proxies send their spans to an OpenTelemetry Collector, and Jaeger keeps the traces for Grafana.",
    "true or false (default false); true needs linkerdChannel edge",
    "daybreak:traces true",
  ),
  traceLimit: key(
    between(100, 10_000).default(5000),
    "How many traces Jaeger keeps, the newest; they are in its memory.",
    "a whole number from 100 to 10000 (default 5000)",
    "daybreak:traceLimit 5000",
  ),
};
