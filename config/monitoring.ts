import { alertReceivers } from "./alerts";
import { key } from "./key";

/** Keys of a stack with `layer: k8s` that concern Prometheus and Alertmanager. */
export const monitoringShape = {
  alerts: key(
    alertReceivers,
    "Who gets alerts, each receiver from its severity on. URLs and passwords have to be set with --secret.",
    "webhook: url; slack: https url, channel #name; email: to, from, smarthost host:port, username, password, requireTls (default true); each: severity critical or warning (default warning); default nobody",
    "--secret --path 'daybreak:alerts.slack.url' https://hooks.slack.com/services/...",
  ),
};
