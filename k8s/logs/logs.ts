import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { dashboardConfigMap } from "../dashboards/config-map";
import { namespace } from "../namespace";
import { configFile } from "../telemetry/config";
import { dataSource } from "../telemetry/data-source";
import { podMonitor } from "../telemetry/pod-monitor";
import { agentConfig, agentSpec } from "./agent";
import { LOGS_DASHBOARD, logsDashboard } from "./dashboard";
import { lokiConfig, lokiServiceSpec, lokiSpec, type Retention } from "./loki";
import { LOG_AGENT, LOGS_NAMESPACE, LOKI, LOKI_URL } from "./names";

export interface LogsArgs {
  retention: Retention;
  /** Time zone of the dashboard. */
  timezone: string;
  /** Namespace of Grafana, once it is there. */
  monitoring: pulumi.Input<string>;
  /** What brings the type PodMonitor. */
  monitorTypes: pulumi.Resource;
}

/** Where the images have to be pulled, on every node. */
const LIMIT = { create: "5m", update: "5m" };

/** The agents' first lines wait for Loki on disk, and nobody else writes or asks before it is ready. */
const NO_WAIT = { "pulumi.com/skipAwait": "true" };

/**
 * Logs: Loki, a reader of every container's lines on each node, and both in Grafana, as a data source and as a dashboard.
 * All of it lives and dies with the cluster: Loki's disk is its pod's.
 */
export class Logs extends pulumi.ComponentResource {
  readonly namespace: k8s.core.v1.Namespace;

  constructor(name: string, args: LogsArgs, opts?: pulumi.ComponentResourceOptions) {
    const { retention, timezone, monitoring, monitorTypes } = args;
    // Not the resources that single parts wait for: the component, and with it every part, would wait for them.
    super("daybreak:k8s:Logs", name, { retention, timezone }, opts);
    const parent = { parent: this };
    this.namespace = namespace(
      {
        name: LOGS_NAMESPACE,
        // The agent reads a folder of its node, which even `baseline` refuses.
        podSecurity: "privileged",
        // Nothing here is meshed, so no pod here has to wait for the mesh's webhook.
        labels: { "config.linkerd.io/admission-webhooks": "disabled" },
      },
      parent,
    );
    const loki = this.loki(retention);
    const agent = this.agent();
    const monitored = { ...parent, dependsOn: [monitorTypes] };
    const home = this.namespace.metadata.name;
    podMonitor({ name: "loki", namespace: home }, LOKI, "http", monitored);
    podMonitor({ name: "log-agent", namespace: home }, LOG_AGENT, "metrics", monitored);
    dataSource({ name: "Loki", type: "loki", namespace: monitoring, url: LOKI_URL }, parent);
    dashboardConfigMap(LOGS_DASHBOARD, logsDashboard(timezone), monitoring, parent);
    this.registerOutputs({ loki: loki.metadata.name, agent: agent.metadata.name });
  }

  private metadata(name: string, labels: Record<string, string>) {
    return { name, namespace: this.namespace.metadata.name, labels };
  }

  private loki(retention: Retention): k8s.apps.v1.Deployment {
    const metadata = this.metadata("loki", LOKI);
    const config = configFile(metadata, lokiConfig(retention), { parent: this });
    new k8s.core.v1.Service(
      "loki",
      { metadata: { ...metadata, annotations: NO_WAIT }, spec: lokiServiceSpec() },
      { parent: this },
    );
    const spec = lokiSpec(config, retention);
    return new k8s.apps.v1.Deployment("loki", { metadata, spec }, { parent: this, customTimeouts: LIMIT });
  }

  private agent(): k8s.apps.v1.DaemonSet {
    const metadata = this.metadata("log-agent", LOG_AGENT);
    const config = configFile(metadata, agentConfig(), { parent: this });
    const spec = agentSpec(config);
    return new k8s.apps.v1.DaemonSet("log-agent", { metadata, spec }, { parent: this, customTimeouts: LIMIT });
  }
}
