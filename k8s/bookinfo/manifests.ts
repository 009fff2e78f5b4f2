import type * as k8s from "@pulumi/kubernetes";
import type { Input } from "@pulumi/pulumi";

import { NODE_PORTS } from "../../config/network";
import type { LinkerdChannel } from "../../config/versions";
import { resources } from "../budget";
import { proxyAnnotations, type ProxySettings } from "../linkerd/values";
import { placement } from "../placement";
import { UNPRIVILEGED, unprivilegedPod } from "../security";
import { GRACE_SECONDS, leavingAnnotations, LIFECYCLE, replicas, ROLLING_UPDATE, spread } from "./resilience";
import {
  account,
  isPinned,
  isScaled,
  PORT,
  PORT_NAME,
  type ServiceName,
  type Version,
  type Workload,
  workloadLabels,
} from "./services";

type DeploymentSpec = k8s.types.input.apps.v1.DeploymentSpec;
type Container = k8s.types.input.core.v1.Container;
type ServiceSpec = k8s.types.input.core.v1.ServiceSpec;

/** The user that the images are made for. */
const USER = 1000;

/**
 * The mesh is told that this is HTTP. Left to find out by itself it gives up after 10 s of silence, and a connection that
 * a busy caller opened ahead then goes to one pod for good: no weights, no retries, no timeout (Linkerd 2.18 and newer,
 * "Declaring a Service port's protocol"; 2.14 knows no such word and goes on finding out).
 */
const SERVICE_PORT = { name: PORT_NAME, port: PORT, targetPort: PORT, protocol: "TCP", appProtocol: "http" };

/** A service's spec: productpage on a port of every node, the others inside the cluster only. */
export function serviceSpec(service: ServiceName) {
  const port = SERVICE_PORT;
  return {
    selector: { app: service },
    ...(service === "productpage"
      ? { type: "NodePort", ports: [{ ...port, nodePort: NODE_PORTS.bookinfo }] }
      : { type: "ClusterIP", ports: [port] }),
  } satisfies ServiceSpec;
}

/** Spec of the service of one version of reviews. */
export function versionSpec(version: Version) {
  return { type: "ClusterIP", selector: { app: "reviews", version }, ports: [SERVICE_PORT] } satisfies ServiceSpec;
}

function probes({ startupSeconds }: Workload) {
  const healthy = { httpGet: { path: "/health", port: PORT }, timeoutSeconds: 2 };
  return {
    startupProbe: { ...healthy, periodSeconds: 1, failureThreshold: startupSeconds },
    readinessProbe: { ...healthy, periodSeconds: 5, failureThreshold: 3 },
    livenessProbe: { ...healthy, periodSeconds: 10, failureThreshold: 6 },
  } satisfies Partial<Container>;
}

function container(workload: Workload) {
  return {
    name: workload.service,
    image: workload.image,
    imagePullPolicy: "IfNotPresent",
    ports: [{ name: PORT_NAME, containerPort: PORT, protocol: "TCP" }],
    env: Object.entries(workload.env ?? {}).map(([name, value]) => ({ name, value })),
    resources: resources(workload.budget),
    securityContext: UNPRIVILEGED,
    volumeMounts: workload.scratch.map(({ name, path }) => ({ name, mountPath: path })),
    lifecycle: LIFECYCLE,
    ...probes(workload),
  } satisfies Container;
}

/** What the workloads depend on. */
export interface BookinfoChoices extends ProxySettings<Input<string>> {
  pinToControlPlane: boolean;
  /** Line of the mesh: its proxies end in different ways. */
  channel: LinkerdChannel;
  /** Leaves the number of pods of productpage and reviews to an autoscaler. */
  autoscaling?: boolean;
}

/** A workload's spec. */
export function deploymentSpec(
  workload: Workload,
  { pinToControlPlane, channel, autoscaling, ...proxy }: BookinfoChoices,
) {
  const labels = workloadLabels(workload);
  return {
    // A number here would be set again by every update of the Deployment, whatever the autoscaler found right.
    ...(autoscaling && isScaled(workload) ? {} : { replicas: replicas(workload, pinToControlPlane) }),
    strategy: ROLLING_UPDATE,
    selector: { matchLabels: labels },
    template: {
      metadata: { labels, annotations: { ...proxyAnnotations(proxy), ...leavingAnnotations(channel) } },
      spec: {
        ...placement(pinToControlPlane && isPinned(workload)),
        ...spread(workload, pinToControlPlane),
        terminationGracePeriodSeconds: GRACE_SECONDS,
        serviceAccountName: account(workload.service),
        // None of them talks to the Kubernetes API; the mesh's proxy brings a token of its own.
        automountServiceAccountToken: false,
        securityContext: unprivilegedPod(USER),
        containers: [container(workload)],
        volumes: workload.scratch.map(({ name }) => ({ name, emptyDir: { sizeLimit: "128Mi" } })),
      },
    },
  } satisfies DeploymentSpec;
}
