import * as pulumi from "@pulumi/pulumi";

import { DASHBOARDS } from "./all";
import { dashboardConfigMap } from "./config-map";
import { render } from "./render";

export interface DashboardsArgs {
  /** Where Grafana's sidecar looks: the namespace of the monitoring, once it is there. */
  namespace: pulumi.Input<string>;
  /** Time zone of the dashboards: browser, utc, or a name like Asia/Seoul. */
  timezone: string;
}

/** Our dashboards as ConfigMaps, which Grafana's sidecar finds by their label and shows within a minute: docs/dashboards.md. */
export class Dashboards extends pulumi.ComponentResource {
  constructor(name: string, args: DashboardsArgs, opts?: pulumi.ComponentResourceOptions) {
    const { namespace, timezone } = args;
    // Not the namespace: the component, and with it whoever waits for the component, would wait for it.
    super("daybreak:k8s:Dashboards", name, { timezone }, opts);
    for (const dashboard of DASHBOARDS)
      dashboardConfigMap(dashboard.uid, render(dashboard, timezone), namespace, { parent: this });
    this.registerOutputs({ uids: DASHBOARDS.map(({ uid }) => uid) });
  }
}
