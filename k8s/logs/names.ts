/** Namespace of what reads and keeps logs. */
export const LOGS_NAMESPACE = "logs";

export const LOKI = { app: "loki" };
export const LOG_AGENT = { app: "log-agent" };

/** Of Loki's HTTP API: what is written and what is asked for. */
export const LOKI_PORT = 3100;

/** Where workloads of the cluster find Loki. */
export const LOKI_URL = `http://loki.${LOGS_NAMESPACE}.svc.cluster.local:${LOKI_PORT}`;
