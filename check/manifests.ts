import type {
  V1Namespace,
  V1Pod,
  V1PodSpec,
  V1Secret,
  V1Service,
  V1ValidatingWebhookConfiguration,
} from "@kubernetes/client-node";

import { images } from "../config/versions";
import type { Certificate } from "./certificate";

/** Ports of agnhost's `netexec` and of our `webhook`. */
export const PORTS = { http: 8080, udp: 8081, webhook: 8443 } as const;

/** Every object of the check carries it, so that leftovers are found again. */
export const MANAGED_BY = { "app.kubernetes.io/managed-by": "daybreak-check" } as const;

export const OWNER_ANNOTATION = "daybreak.check/owner";
export const EXPIRES_ANNOTATION = "daybreak.check/expires";

/** ConfigMaps with this label, and nothing else in the cluster, go through our webhook. */
export const WEBHOOK_LABEL = { "daybreak-check": "webhook" } as const;

export const SERVICE_ACCOUNT = "check";

/**
 * @param owner who made it, see `leftovers.ts`
 * @param expires after this moment anybody may remove it
 */
export function namespaceManifest(name: string, owner: string, expires: Date): V1Namespace {
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: {
      name,
      labels: {
        ...MANAGED_BY,
        "pod-security.kubernetes.io/enforce": "restricted",
        // A cut-off injector would hold up every pod for 10 s, though it is not to touch these.
        "config.linkerd.io/admission-webhooks": "disabled",
      },
      annotations: {
        "linkerd.io/inject": "disabled",
        [OWNER_ANNOTATION]: owner,
        [EXPIRES_ANNOTATION]: expires.toISOString(),
      },
    },
  };
}

/** The pod that answers on a node and asks from there. */
export function agentPod(node: string): V1Pod {
  return pod(agentName(node), node, { agent: labelValue(node) }, [
    {
      name: "agnhost",
      args: ["netexec", `--http-port=${PORTS.http}`, `--udp-port=${PORTS.udp}`],
    },
  ]);
}

/** The pod behind the ValidatingWebhookConfiguration. */
export function webhookPod(node: string): V1Pod {
  const container = {
    name: "agnhost",
    args: ["webhook", "--tls-cert-file=/tls/tls.crt", "--tls-private-key-file=/tls/tls.key", `--port=${PORTS.webhook}`],
    volumeMounts: [{ name: "tls", mountPath: "/tls", readOnly: true }],
  };
  return pod("webhook", node, WEBHOOK_LABEL, [container], [{ name: "tls", secret: { secretName: "webhook-tls" } }]);
}

/**
 * A pod that asks one question a container and leaves the answers in its status, which reaches the API server through
 * the kubelet: the way to hear from a node that the API server cannot reach.
 */
export function reporterPod(node: string, questions: { name: string; target: string }[]): V1Pod {
  const containers = questions.map(({ name, target }) => ({
    name,
    args: ["connect", "--timeout=5s", target],
    terminationMessagePolicy: "FallbackToLogsOnError",
  }));
  return pod(`reporter-${nodeSlug(node)}`, node, { reporter: labelValue(node) }, containers);
}

/** One Service a node, of which the only backend is the agent there: so it is known which node has to answer. */
export function agentService(node: string): V1Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: agentName(node), labels: MANAGED_BY },
    spec: {
      type: "NodePort",
      selector: { agent: labelValue(node) },
      ports: [{ name: "http", port: PORTS.http, targetPort: PORTS.http }],
    },
  };
}

export function webhookService(): V1Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "webhook", labels: MANAGED_BY },
    spec: { selector: WEBHOOK_LABEL, ports: [{ name: "https", port: 443, targetPort: PORTS.webhook }] },
  };
}

export function webhookSecret({ certificate, key }: Certificate): V1Secret {
  return {
    apiVersion: "v1",
    kind: "Secret",
    type: "kubernetes.io/tls",
    metadata: { name: "webhook-tls", labels: MANAGED_BY },
    stringData: { "tls.crt": certificate, "tls.key": key },
  };
}

/**
 * Fails closed, but only for marked ConfigMaps of the check's own namespace, which owns it: with the namespace it goes.
 */
export function webhookConfiguration(namespace: V1Namespace, certificate: string): V1ValidatingWebhookConfiguration {
  const { name = "", uid = "" } = namespace.metadata ?? {};
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name, labels: MANAGED_BY, ownerReferences: [{ apiVersion: "v1", kind: "Namespace", name, uid }] },
    webhooks: [
      {
        name: "deny.daybreak.check",
        admissionReviewVersions: ["v1"],
        sideEffects: "None",
        failurePolicy: "Fail",
        timeoutSeconds: 5,
        namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": name } },
        objectSelector: { matchLabels: WEBHOOK_LABEL },
        rules: [{ apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"], operations: ["CREATE"] }],
        clientConfig: {
          service: { namespace: name, name: "webhook", path: "/always-deny" },
          caBundle: Buffer.from(certificate).toString("base64"),
        },
      },
    ],
  };
}

export function agentName(node: string): string {
  return `agent-${nodeSlug(node)}`;
}

/** Node names may have dots, Service names may not, and 63 characters must do. */
function nodeSlug(node: string): string {
  return node
    .replace(/[^a-z0-9-]+/g, "-")
    .slice(0, 50)
    .replace(/-+$/, "");
}

function labelValue(node: string): string {
  return nodeSlug(node);
}

/**
 * A pod bound to its node without the scheduler, so that the check depends neither on it nor on free capacity, and
 * within Pod Security `restricted`.
 */
function pod(
  name: string,
  node: string,
  labels: Record<string, string>,
  containers: V1PodSpec["containers"],
  volumes: V1PodSpec["volumes"] = [],
): V1Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels: { ...MANAGED_BY, ...labels } },
    spec: {
      nodeName: node,
      serviceAccountName: SERVICE_ACCOUNT,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      restartPolicy: "Never",
      terminationGracePeriodSeconds: 0,
      tolerations: [{ operator: "Exists" }],
      // A resolver that cannot reach CoreDNS shall say so within the limit of one question.
      dnsConfig: {
        options: [
          { name: "timeout", value: "2" },
          { name: "attempts", value: "2" },
        ],
      },
      securityContext: { runAsNonRoot: true, runAsUser: 65534, seccompProfile: { type: "RuntimeDefault" } },
      containers: containers.map((container) => ({
        ...container,
        image: images.agnhost,
        imagePullPolicy: "IfNotPresent",
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        },
      })),
      volumes,
    },
  };
}
