import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { stringify } from "yaml";

export interface DataSource {
  /** Shown in Grafana. */
  name: string;
  /** Grafana's name of the kind, and ours of the one there is: dashboards go by it. */
  type: "loki" | "jaeger";
  /** Grafana's, once it is there. */
  namespace: pulumi.Input<string>;
  url: string;
  jsonData?: Record<string, unknown>;
}

/**
 * A data source as a ConfigMap, which the sidecar of the chart's Grafana finds by its label in its own namespace and
 * hands over within a minute. Grafana forgets it again when the ConfigMap is gone: that is what `prune` is for.
 */
export function dataSource({ name, type, namespace, url, jsonData }: DataSource, opts: pulumi.CustomResourceOptions) {
  const source = { name, type, uid: type, access: "proxy", url, isDefault: false, editable: false, jsonData };
  const text = stringify({ apiVersion: 1, prune: true, datasources: [source] }, { lineWidth: 0 });
  const id = `grafana-datasource-${type}`;
  return new k8s.core.v1.ConfigMap(
    id,
    {
      metadata: { name: id, namespace, labels: { grafana_datasource: "1" } },
      data: { [`${type}.yaml`]: text },
    },
    opts,
  );
}
