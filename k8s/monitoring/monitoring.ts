import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

import type { AlertReceivers } from "../../config/alerts";
import { KUBE_PROMETHEUS_STACK } from "../../config/versions";
import { RECEIVERS_SECRET, receiverSecrets } from "../alerts/receivers";
import { GrafanaHttps, type GrafanaHttpsArgs } from "../grafana-https/grafana-https";
import { namespace } from "../namespace";
import { type ChartSettings, chartVersion, release } from "../release";
import { GRAFANA_ADMIN_SECRET, MONITORING_NAMESPACE } from "./names";
import { type MonitoringChoices, monitoringValues, typesOnlyValues } from "./values";

export interface MonitoringArgs extends Pick<MonitoringChoices, "scrapeInterval" | "retention"> {
  pinToControlPlane: boolean;
  /** Grafana's administrator (its password is random) and the time zone of its dashboards. */
  grafana: { adminUser: string; timezone: string };
  /** How Grafana is reached over HTTPS; undefined for plain HTTP. */
  https: Omit<GrafanaHttpsArgs, "namespace"> | undefined;
  charts: ChartSettings;
  /** Who gets alerts. */
  receivers: AlertReceivers;
}

/** Small nodes pull a gigabyte of images and start a dozen pods: seen to take more than 10 min on two t3.small. */
const TIMEOUT_SECONDS = 900;

/** Prometheus, Alertmanager, Grafana, their operator and the exporters: the release `prometheus` in `monitoring`. */
export class Monitoring extends pulumi.ComponentResource {
  /** The namespace's resource, for what has to be there before the first pod. */
  readonly home: k8s.core.v1.Namespace;
  /** Brings the types PodMonitor, ServiceMonitor … and nothing else, in seconds. */
  readonly types: k8s.helm.v3.Release;
  /** Ready when everything in it is. */
  readonly release: k8s.helm.v3.Release;
  /** The namespace, once it is there. */
  readonly namespace: pulumi.Output<string>;
  readonly grafanaUser: string;
  readonly https: GrafanaHttps | undefined;
  /** Secret. */
  readonly grafanaPassword: pulumi.Output<string>;

  constructor(name: string, args: MonitoringArgs, opts?: pulumi.ComponentResourceOptions) {
    const { receivers, https, ...open } = args;
    // Not the receivers nor a certificate's key: Pulumi would keep them as the component's open inputs.
    super("daybreak:k8s:Monitoring", name, open, opts);
    const parent = { parent: this };

    const home = namespace(
      {
        name: MONITORING_NAMESPACE,
        // node-exporter uses the host's network, process list and files.
        podSecurity: "privileged",
        // Nothing here is meshed, so no pod here has to wait for the mesh's webhook.
        labels: { "config.linkerd.io/admission-webhooks": "disabled" },
      },
      parent,
    );
    this.home = home;

    this.namespace = home.metadata.name;

    this.https = https && new GrafanaHttps("grafana-https", { namespace: home.metadata.name, ...https }, parent);

    const version = chartVersion("prometheus", KUBE_PROMETHEUS_STACK, args.charts);
    this.types = release(
      {
        release: "prometheus-crds",
        pin: { ...KUBE_PROMETHEUS_STACK, version },
        namespace: home.metadata.name,
        timeoutSeconds: 120,
        values: typesOnlyValues(),
      },
      { chartMirror: args.charts.chartMirror },
      parent,
    );

    const password = new random.RandomPassword("grafana-admin", { length: 24, special: false }, parent);
    this.grafanaUser = args.grafana.adminUser;
    this.grafanaPassword = pulumi.secret(password.result);
    const admin = new k8s.core.v1.Secret(
      GRAFANA_ADMIN_SECRET,
      {
        metadata: { name: GRAFANA_ADMIN_SECRET, namespace: home.metadata.name },
        stringData: { "admin-user": this.grafanaUser, "admin-password": this.grafanaPassword },
      },
      parent,
    );

    const receiversSecret = new k8s.core.v1.Secret(
      RECEIVERS_SECRET,
      {
        metadata: { name: RECEIVERS_SECRET, namespace: home.metadata.name },
        stringData: pulumi.secret(receiverSecrets(receivers)),
      },
      parent,
    );

    this.release = release(
      {
        release: "prometheus",
        pin: KUBE_PROMETHEUS_STACK,
        namespace: home.metadata.name,
        timeoutSeconds: TIMEOUT_SECONDS,
        values: monitoringValues({
          pinToControlPlane: args.pinToControlPlane,
          timezone: args.grafana.timezone,
          https: this.https?.values,
          adminSecret: GRAFANA_ADMIN_SECRET,
          scrapeInterval: args.scrapeInterval,
          retention: args.retention,
          receivers,
        }),
      },
      args.charts,
      { ...parent, dependsOn: [admin, receiversSecret, this.types, ...(this.https ? [this.https] : [])] },
    );

    this.registerOutputs({
      release: this.release.name,
      grafanaUser: this.grafanaUser,
      grafanaPassword: this.grafanaPassword,
    });
  }
}
