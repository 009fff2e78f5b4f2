import { z } from "zod";

import { alertReceivers } from "./alerts";
import { between, key, matching } from "./key";

/** Days of metrics that fit the nodes' own disks; more needs a volume. */
export const MAX_DAYS_WITHOUT_VOLUME = 15;

/** Where Prometheus keeps its metrics when they shall outlive its pod. */
const volume = z.strictObject({
  sizeGib: between(5, 1000),
  /** There is no default class on a cluster of this project. */
  storageClass: matching(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, "not the name of a storage class"),
});

export type PrometheusVolume = z.output<typeof volume>;

/** Keys of a stack with `layer: k8s` that concern Prometheus and Alertmanager. */
export const monitoringShape = {
  scrapeInterval: key(
    between(1, 15).default(5),
    "How often Prometheus reads its targets, in seconds: a figure on a dashboard is no older than that.",
    "a whole number from 1 to 15 (default 5)",
    "daybreak:scrapeInterval 5",
  ),
  retentionDays: key(
    between(1, 90).default(MAX_DAYS_WITHOUT_VOLUME),
    "How long metrics are kept, in days, unless they fill the disk first: 4 GiB without a volume, four fifths of a volume.",
    `a whole number from 1 to 90, more than ${MAX_DAYS_WITHOUT_VOLUME} with prometheusVolume only (default ${MAX_DAYS_WITHOUT_VOLUME})`,
    "daybreak:retentionDays 30",
  ),
  prometheusVolume: key(
    volume.optional(),
    "A volume for the metrics, so that they outlive Prometheus' pod; the cluster needs a storage class for it.",
    "sizeGib from 5 to 1000 and the name of a storageClass (default none: the node's disk)",
    "--path 'daybreak:prometheusVolume.sizeGib' 50",
  ),
  alerts: key(
    alertReceivers,
    "Who gets alerts, each receiver from its severity on. URLs and passwords have to be set with --secret.",
    "webhook: url; slack: https url, channel #name; email: to, from, smarthost host:port, username, password, requireTls (default true); each: severity critical or warning (default warning); default nobody",
    "--secret --path 'daybreak:alerts.slack.url' https://hooks.slack.com/services/...",
  ),
};
