import { createHash } from "node:crypto";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { images } from "../../config/versions";
import { resources } from "../budget";
import { placement } from "../placement";
import { UNPRIVILEGED, unprivilegedPod } from "../security";
import { ServiceCertificate } from "./certificate";
import { METRICS_SERVER } from "./footprint";
import { METRICS_SERVER_NAMES as NAMES, MetricsServerRights } from "./rights";

type PodSpec = k8s.types.input.core.v1.PodSpec;

export interface MetricsServerArgs {
  pinToControlPlane: boolean;
}

const PORT = 10250;
const HOST = `${NAMES.all}.${NAMES.namespace}.svc`;
const LABELS = { "k8s-app": NAMES.all };
const CERTIFICATE = "metrics-server-certificate";
const FOLDER = "/etc/metrics-server";

/** As upstream: half the time in which a new pod could otherwise go unseen. */
const RESOLUTION_SECONDS = 15;

const FLAGS = [
  `--secure-port=${PORT}`,
  `--tls-cert-file=${FOLDER}/tls.crt`,
  `--tls-private-key-file=${FOLDER}/tls.key`,
  "--kubelet-preferred-address-types=InternalIP",
  "--kubelet-use-node-status-port",
  // A kubelet of kubeadm signs its own serving certificate, which nobody can verify; Prometheus reads kubelets the same
  // way. docs/autoscaling.md says what that risks and what it would take to do better.
  "--kubelet-insecure-tls",
  `--metric-resolution=${RESOLUTION_SECONDS}s`,
];

/**
 * metrics-server: what `kubectl top` shows and autoscalers go by, in `kube-system` under upstream's names, so that whoever
 * looks for it or installs upstream's over it finds one.
 *
 * Unlike upstream's it shows the API server a certificate that this one verifies.
 */
export class MetricsServer extends pulumi.ComponentResource {
  /** There once figures can be had. */
  readonly api: k8s.apiregistration.v1.APIService;

  constructor(name: string, { pinToControlPlane }: MetricsServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("daybreak:k8s:MetricsServer", name, { pinToControlPlane }, opts);
    const parent = { parent: this };
    const rights = new MetricsServerRights(`${name}-rights`, {}, parent);
    const { certificate, privateKey } = new ServiceCertificate(`${name}-certificate`, HOST, parent);
    const metadata = { name: NAMES.all, namespace: NAMES.namespace, labels: LABELS };
    const secret = new k8s.core.v1.Secret(
      CERTIFICATE,
      {
        metadata: { ...metadata, name: CERTIFICATE },
        type: "kubernetes.io/tls",
        stringData: { "tls.crt": certificate, "tls.key": privateKey },
      },
      parent,
    );
    const service = new k8s.core.v1.Service(
      NAMES.all,
      {
        // The Deployment says when something is behind it.
        metadata: { ...metadata, annotations: { "pulumi.com/skipAwait": "true" } },
        spec: { selector: LABELS, ports: [{ name: "https", port: 443, targetPort: "https", appProtocol: "https" }] },
      },
      parent,
    );
    const spec = deploymentSpec(pinToControlPlane, certificate);
    const deployment = new k8s.apps.v1.Deployment(
      NAMES.all,
      { metadata, spec },
      { ...parent, dependsOn: [rights.account, ...rights.bindings, secret], customTimeouts: LIMIT },
    );
    this.api = new k8s.apiregistration.v1.APIService(
      "v1beta1.metrics.k8s.io",
      {
        metadata: { name: "v1beta1.metrics.k8s.io", labels: LABELS },
        spec: {
          group: "metrics.k8s.io",
          version: "v1beta1",
          service: { name: NAMES.all, namespace: NAMES.namespace, port: 443 },
          caBundle: certificate.apply((pem) => Buffer.from(pem).toString("base64")),
          groupPriorityMinimum: 100,
          versionPriority: 100,
        },
      },
      // An API that nobody answers for disturbs whoever asks the API server what there is: it comes last and goes first.
      { ...parent, dependsOn: [service, deployment] },
    );
    this.registerOutputs({ api: this.api.metadata.name });
  }
}

const LIMIT = { create: "5m", update: "5m" };

function deploymentSpec(pinToControlPlane: boolean, certificate: pulumi.Output<string>) {
  const fingerprint = certificate.apply((pem) => createHash("sha256").update(pem).digest("hex").slice(0, 16));
  return {
    replicas: 1,
    strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    selector: { matchLabels: LABELS },
    template: {
      // The kubelet brings a new certificate to a pod within minutes only, the API server asks for it at once.
      metadata: { labels: LABELS, annotations: { "daybreak/certificate": fingerprint } },
      spec: podSpec(pinToControlPlane),
    },
  } satisfies k8s.types.input.apps.v1.DeploymentSpec;
}

function podSpec(pinToControlPlane: boolean) {
  const probe = (path: string) => ({ httpGet: { path, port: "https", scheme: "HTTPS" }, timeoutSeconds: 2 });
  return {
    ...placement(pinToControlPlane),
    priorityClassName: "system-cluster-critical",
    serviceAccountName: NAMES.all,
    securityContext: unprivilegedPod(1000),
    containers: [
      {
        name: NAMES.all,
        image: images.metricsServer,
        imagePullPolicy: "IfNotPresent",
        args: FLAGS,
        ports: [{ name: "https", containerPort: PORT, protocol: "TCP" }],
        // Ready with the first figures, which takes two readings of the nodes.
        readinessProbe: { ...probe("/readyz"), periodSeconds: 5, failureThreshold: 3 },
        livenessProbe: { ...probe("/livez"), periodSeconds: 10, failureThreshold: 3 },
        resources: resources(METRICS_SERVER),
        securityContext: { ...UNPRIVILEGED, readOnlyRootFilesystem: true },
        volumeMounts: [{ name: "certificate", mountPath: FOLDER, readOnly: true }],
      },
    ],
    volumes: [{ name: "certificate", secret: { secretName: CERTIFICATE } }],
  } satisfies PodSpec;
}
