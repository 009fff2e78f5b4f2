import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { dashboardConfigMap } from "../dashboards/config-map";
import { namespace } from "../namespace";
import { configFile } from "../telemetry/config";
import { dataSource } from "../telemetry/data-source";
import { podMonitor } from "../telemetry/pod-monitor";
import { COLLECTOR_RULES, collectorServiceSpec, collectorSpec, traceCollectorConfig } from "./collector";
import { TRACES_DASHBOARD, tracesDashboard } from "./dashboard";
import { jaegerConfig, jaegerServiceSpec, jaegerSpec } from "./jaeger";
import { COLLECTOR, JAEGER, JAEGER_URL, TRACE_COLLECTOR, TRACES_NAMESPACE } from "./names";

export interface TracesArgs {
  /** How many traces Jaeger keeps, the newest. */
  maxTraces: number;
  /** Time zone of the dashboard. */
  timezone: string;
  /** Generation of the mesh's certificates, which the collector's pod carries. */
  trust: pulumi.Input<string>;
  /** Namespace of Grafana, once it is there. */
  monitoring: pulumi.Input<string>;
  /** The mesh's control plane: a collector made before its injector is ready would have no certificate. */
  mesh: pulumi.Resource[];
  /** What brings the type PodMonitor. */
  monitorTypes: pulumi.Resource;
}

const LIMIT = { create: "5m", update: "5m" };

/** Proxies keep their spans until somebody takes them, so nobody waits for the services. */
const NO_WAIT = { "pulumi.com/skipAwait": "true" };

/** Traces: a collector in the mesh that takes every proxy's spans, Jaeger that keeps the newest, and both ways to them in Grafana. */
export class Traces extends pulumi.ComponentResource {
  readonly namespace: k8s.core.v1.Namespace;

  constructor(
    name: string,
    private readonly args: TracesArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    const { maxTraces, timezone, monitoring, monitorTypes } = args;
    // Not the resources that single parts wait for: the component, and with it every part, would wait for them.
    super("daybreak:k8s:Traces", name, { maxTraces, timezone }, opts);
    const parent = { parent: this };
    this.namespace = namespace(
      { name: TRACES_NAMESPACE, podSecurity: "privileged", podSecurityWarning: "restricted" },
      parent,
    );
    const jaeger = this.jaeger();
    const collector = this.collector();
    const monitored = { ...parent, dependsOn: [monitorTypes] };
    const home = this.namespace.metadata.name;
    podMonitor({ name: "jaeger", namespace: home }, JAEGER, "metrics", monitored);
    podMonitor({ name: "trace-collector", namespace: home }, TRACE_COLLECTOR, "metrics", monitored);
    dataSource({ name: "Jaeger", type: "jaeger", namespace: monitoring, url: JAEGER_URL }, parent);
    dashboardConfigMap(TRACES_DASHBOARD, tracesDashboard(timezone), monitoring, parent);
    this.registerOutputs({ jaeger: jaeger.metadata.name, collector: collector.metadata.name });
  }

  private metadata(name: string, labels: Record<string, string>) {
    return { name, namespace: this.namespace.metadata.name, labels };
  }

  private service(name: string, labels: Record<string, string>, spec: k8s.types.input.core.v1.ServiceSpec): void {
    const metadata = { ...this.metadata(name, labels), annotations: NO_WAIT };
    new k8s.core.v1.Service(name, { metadata, spec }, { parent: this });
  }

  private jaeger(): k8s.apps.v1.Deployment {
    const metadata = this.metadata("jaeger", JAEGER);
    const config = configFile(metadata, jaegerConfig(this.args.maxTraces), { parent: this });
    this.service("jaeger", JAEGER, jaegerServiceSpec());
    const spec = jaegerSpec(config);
    return new k8s.apps.v1.Deployment("jaeger", { metadata, spec }, { parent: this, customTimeouts: LIMIT });
  }

  private collector(): k8s.apps.v1.Deployment {
    const name = COLLECTOR.account;
    const metadata = this.metadata(name, TRACE_COLLECTOR);
    const config = configFile(metadata, traceCollectorConfig(), { parent: this });
    this.service(name, TRACE_COLLECTOR, collectorServiceSpec());
    const spec = collectorSpec(config, this.args.trust);
    const dependsOn = [...this.args.mesh, ...this.permission()];
    return new k8s.apps.v1.Deployment(name, { metadata, spec }, { parent: this, dependsOn, customTimeouts: LIMIT });
  }

  private permission(): pulumi.Resource[] {
    const name = COLLECTOR.account;
    const parent = { parent: this };
    const account = new k8s.core.v1.ServiceAccount(name, { metadata: this.metadata(name, TRACE_COLLECTOR) }, parent);
    const role = new k8s.rbac.v1.ClusterRole(name, { metadata: { name }, rules: COLLECTOR_RULES }, parent);
    const binding = new k8s.rbac.v1.ClusterRoleBinding(
      name,
      {
        metadata: { name },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role.metadata.name },
        subjects: [{ kind: "ServiceAccount", name, namespace: this.namespace.metadata.name }],
      },
      parent,
    );
    return [account, binding];
  }
}
