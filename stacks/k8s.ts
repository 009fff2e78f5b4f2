import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { loadK8sConfig, requireCompatibleVersions } from "../config/load";
import { BOOKINFO_VERSION, FORTIO_VERSION, KUBE_PROMETHEUS_STACK, LINKERD } from "../config/versions";
import { Bookinfo } from "../k8s/bookinfo/bookinfo";
import { Linkerd } from "../k8s/linkerd/linkerd";
import { Monitoring } from "../k8s/monitoring/monitoring";
import { chartVersion } from "../k8s/release";
import { Traffic } from "../k8s/traffic/traffic";

/** The workloads: monitoring, the mesh, Bookinfo in it, and the traffic on Bookinfo, on the infra stack's cluster. */
export function k8sStack() {
  const config = loadK8sConfig();
  const { pinToControlPlane, linkerdChannel, allowUnsupportedVersions, trafficRate } = config;

  const infra = new pulumi.StackReference("infra", { name: config.infraStack });
  const kubernetesVersion = infra.requireOutput("kubernetesVersion") as pulumi.Output<string>;
  // The provider waits for the verdict, and everything in the cluster waits for the provider.
  const kubeconfig = pulumi
    .all([kubernetesVersion, infra.requireOutput("kubeconfig") as pulumi.Output<string>])
    .apply(([version, text]) => {
      requireCompatibleVersions({ kubernetesVersion: version, linkerdChannel, allowUnsupportedVersions });
      return text;
    });

  const provider = new k8s.Provider("cluster", {
    kubeconfig: pulumi.secret(kubeconfig),
    // Names the machine, not the kubeconfig: a renewed certificate is no new cluster, a new control plane is one.
    clusterIdentifier: infra.requireOutput("clusterIdentifier") as pulumi.Output<string>,
    enableServerSideApply: true,
  });
  const inCluster = { providers: { kubernetes: provider } };
  const charts = { chartMirror: config.chartMirror, charts: config.charts };

  const monitoring = new Monitoring("monitoring", { pinToControlPlane, grafana: config.grafana, charts }, inCluster);
  const linkerd = new Linkerd(
    "linkerd",
    { channel: linkerdChannel, pinToControlPlane, charts, monitorTypes: monitoring.types },
    inCluster,
  );
  const mesh = [linkerd.controlPlane, linkerd.viz];
  const bookinfo = new Bookinfo("bookinfo", { pinToControlPlane, mesh }, inCluster);
  new Traffic(
    "traffic",
    { url: bookinfo.pageUrl, rate: trafficRate, dependsOn: [...mesh, ...bookinfo.services] },
    inCluster,
  );

  return {
    grafanaUrl: infra.requireOutput("grafanaUrl"),
    bookinfoUrl: infra.requireOutput("bookinfoUrl"),
    grafanaUser: monitoring.grafanaUser,
    grafanaPassword: monitoring.grafanaPassword,
    versions: {
      kubernetes: kubernetesVersion,
      "kube-prometheus-stack": chartVersion("prometheus", KUBE_PROMETHEUS_STACK, charts),
      linkerd: LINKERD[linkerdChannel].controlPlane.appVersion,
      bookinfo: BOOKINFO_VERSION,
      fortio: FORTIO_VERSION,
    },
  };
}
