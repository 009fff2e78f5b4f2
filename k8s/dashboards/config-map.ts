import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

/**
 * A dashboard as Grafana's sidecar finds it: by a label, within a minute.
 *
 * @param namespace Grafana's, once it is there.
 */
export function dashboardConfigMap(
  uid: string,
  dashboard: Dashboard,
  namespace: pulumi.Input<string>,
  opts: pulumi.CustomResourceOptions,
): k8s.core.v1.ConfigMap {
  return new k8s.core.v1.ConfigMap(
    uid,
    {
      metadata: { name: uid, namespace, labels: { grafana_dashboard: "1" } },
      data: { [`${uid}.json`]: JSON.stringify(dashboard) },
    },
    opts,
  );
}
