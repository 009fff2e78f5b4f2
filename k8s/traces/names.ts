/** Namespace of what takes and keeps traces. */
export const TRACES_NAMESPACE = "traces";

export const JAEGER = { app: "jaeger" };
export const TRACE_COLLECTOR = { app: "trace-collector" };

/** OTLP over gRPC, at the collector and at Jaeger. */
export const OTLP_PORT = 4317;
/** Of Jaeger's page and API. */
export const JAEGER_PORT = 16686;

const service = (name: string) => `${name}.${TRACES_NAMESPACE}.svc.cluster.local`;

/** Where every proxy sends its spans, and the service account whose certificate it expects there. */
export const COLLECTOR = {
  endpoint: `${service("trace-collector")}:${OTLP_PORT}`,
  account: "trace-collector",
} as const;

export const JAEGER_OTLP = `${service("jaeger")}:${OTLP_PORT}`;
export const JAEGER_URL = `http://${service("jaeger")}:${JAEGER_PORT}`;
