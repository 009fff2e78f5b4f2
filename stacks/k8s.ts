import * as pulumi from "@pulumi/pulumi";

import { loadK8sConfig } from "../config/load";
import {
  BOOKINFO_VERSION,
  FORTIO_VERSION,
  KUBE_PROMETHEUS_STACK,
  JAEGER_VERSION,
  LINKERD,
  LOKI_VERSION,
} from "../config/versions";
import { Viewer } from "../k8s/access/viewer";
import { Alerts } from "../k8s/alerts/alerts";
import { Autoscaling } from "../k8s/autoscaling/autoscaling";
import { Bookinfo } from "../k8s/bookinfo/bookinfo";
import { clusterAddresses, clusterProvider, requireCluster } from "../k8s/cluster";
import { Dashboards } from "../k8s/dashboards/dashboards";
import { Linkerd } from "../k8s/linkerd/linkerd";
import { Logs } from "../k8s/logs/logs";
import { Monitoring } from "../k8s/monitoring/monitoring";
import { NetworkPolicies } from "../k8s/network-policy/network-policies";
import { chartVersion } from "../k8s/release";
import { Traces } from "../k8s/traces/traces";
import { Traffic } from "../k8s/traffic/traffic";

/** The workloads: monitoring, the mesh, Bookinfo in it, and the traffic on Bookinfo, on the infra stack's cluster. */
export async function k8sStack() {
  const config = loadK8sConfig();
  const { pinToControlPlane, scrapeInterval, linkerdChannel } = config;
  const charts = { chartMirror: config.chartMirror, charts: config.charts };

  const infra = new pulumi.StackReference("infra", { name: config.infraStack });
  const kubernetes = await requireCluster(infra, config.infraStack, config);
  const addresses = await clusterAddresses(infra);
  const inCluster = { providers: [clusterProvider(infra)] };

  const viewerUser = infra.requireOutput("viewerUser") as pulumi.Output<string>;
  const viewer = new Viewer("viewer", { user: viewerUser }, inCluster);

  const { adminUser, timezone, https: mode } = config.grafana;
  const publicAddresses = addresses.nodes.map(({ publicAddress }) => publicAddress);
  const https = mode === "off" ? undefined : { settings: config.grafana, publicAddresses };
  const monitoring = new Monitoring(
    "monitoring",
    {
      pinToControlPlane,
      scrapeInterval,
      retention: { days: config.retentionDays, volume: config.prometheusVolume },
      receivers: config.alerts,
      grafana: { adminUser, timezone },
      https,
      charts,
    },
    inCluster,
  );
  new Alerts("alerts", { monitoring: monitoring.release }, inCluster);
  new Dashboards("dashboards", { namespace: monitoring.namespace, timezone: config.grafana.timezone }, inCluster);

  const logs =
    config.logs &&
    new Logs(
      "logs",
      {
        retention: { hours: config.logRetentionHours, volumeGib: config.logVolumeGib },
        timezone,
        monitoring: monitoring.namespace,
        monitorTypes: monitoring.types,
      },
      inCluster,
    );

  const linkerd = new Linkerd(
    "linkerd",
    {
      channel: linkerdChannel,
      pinToControlPlane,
      highAvailability: config.linkerdHighAvailability,
      traces: config.traces,
      trust: config.meshTrust,
      scrapeInterval,
      charts,
      monitorTypes: monitoring.types,
    },
    inCluster,
  );
  const mesh = [linkerd.injection, linkerd.viz];

  const proxies = { trust: linkerd.trust, traces: config.traces };
  const traces =
    config.traces &&
    new Traces(
      "traces",
      {
        maxTraces: config.traceLimit,
        timezone,
        trust: linkerd.trust,
        monitoring: monitoring.namespace,
        mesh,
        monitorTypes: monitoring.types,
      },
      inCluster,
    );

  const choices = { pinToControlPlane, channel: linkerdChannel, ...proxies };
  const { reviewsWeights, autoscaling } = config;
  const scaled = { autoscaling: autoscaling !== undefined };
  const bookinfo = new Bookinfo("bookinfo", { ...choices, ...scaled, reviewsWeights, mesh }, inCluster);
  if (autoscaling) {
    const namespace = bookinfo.namespace.metadata.name;
    new Autoscaling("autoscaling", { settings: autoscaling, pinToControlPlane, namespace }, inCluster);
  }

  const dependsOn = [...mesh, ...bookinfo.workloads];
  const load = { url: bookinfo.pageUrl, rate: config.trafficRate, ...proxies };
  const traffic = new Traffic("traffic", { ...load, dependsOn, monitoring: monitoring.release }, inCluster);

  const extras = [logs, traces].flatMap((extra) => (extra ? [extra.namespace] : []));
  const namespaces = [monitoring.home, ...linkerd.namespaces, bookinfo.namespace, traffic.namespace, ...extras];
  const parts = { grafanaHttps: https !== undefined, logs: config.logs, traces: config.traces };
  const monitorTypes = monitoring.types;
  if (config.networkPolicies)
    new NetworkPolicies("network-policies", { addresses, namespaces, parts, monitorTypes }, inCluster);

  return {
    grafanaUrl: monitoring.https?.url ?? infra.requireOutput("grafanaUrl"),
    ...(monitoring.https?.authority && { grafanaAuthority: monitoring.https.authority }),
    bookinfoUrl: infra.requireOutput("bookinfoUrl"),
    grafanaUser: monitoring.grafanaUser,
    grafanaPassword: monitoring.grafanaPassword,
    viewerKubeconfig: viewer.granted(infra.requireOutput("viewerKubeconfig") as pulumi.Output<string>),
    versions: {
      kubernetes,
      "kube-prometheus-stack": chartVersion("prometheus", KUBE_PROMETHEUS_STACK, charts),
      linkerd: LINKERD[linkerdChannel].controlPlane.appVersion,
      bookinfo: BOOKINFO_VERSION,
      fortio: FORTIO_VERSION,
      ...(logs && { loki: LOKI_VERSION }),
      ...(traces && { jaeger: JAEGER_VERSION }),
    },
  };
}
