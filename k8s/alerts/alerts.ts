import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { MONITORING_NAMESPACE } from "../monitoring/names";
import { RULES } from "./groups";

export interface AlertsArgs {
  /** The release with Prometheus: its operator checks every rule on its way into the cluster, and has to run for that. */
  monitoring: pulumi.Resource;
}

/** Alerts from productpage's service level objectives and on what kills a cluster of this kind: docs/alerts.md. */
export class Alerts extends pulumi.ComponentResource {
  constructor(name: string, args: AlertsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("daybreak:k8s:Alerts", name, {}, opts);
    const rules = Object.entries(RULES).map(
      ([concern, groups]) =>
        new k8s.apiextensions.CustomResource(
          `daybreak-${concern}`,
          {
            apiVersion: "monitoring.coreos.com/v1",
            kind: "PrometheusRule",
            metadata: { name: `daybreak-${concern}`, namespace: MONITORING_NAMESPACE },
            spec: { groups },
          },
          { parent: this, dependsOn: [args.monitoring] },
        ),
    );
    this.registerOutputs({ rules: rules.map(({ metadata }) => metadata.name) });
  }
}
