/** The namespace of the release, and what kube-prometheus-stack calls its services in a release named `prometheus`. */
export const MONITORING_NAMESPACE = "monitoring";

/** Where workloads of the cluster find Prometheus. */
export const PROMETHEUS_URL = `http://prometheus-kube-prometheus-prometheus.${MONITORING_NAMESPACE}.svc.cluster.local:9090`;

/** Secret with Grafana's administrator. */
export const GRAFANA_ADMIN_SECRET = "grafana-admin";
