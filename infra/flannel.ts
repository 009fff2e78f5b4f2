import { stringify } from "yaml";

import { images } from "../config/versions";
import { API_PORT } from "./kubeadm-config";

export interface FlannelArgs {
  podCidr: string;
  /** Address of the API server inside the VPC: with it flannel needs no kube-proxy to start. */
  controlPlaneAddress: string;
}

const NAMESPACE = "kube-flannel";
const NAME = "flannel";
const DAEMON_SET = "kube-flannel-ds";
const labels = { app: "flannel", "k8s-app": "flannel", tier: "node" };

function namespace() {
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: {
      name: NAMESPACE,
      labels: { "k8s-app": "flannel", "pod-security.kubernetes.io/enforce": "privileged" },
    },
  };
}

function access() {
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: NAME };
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: NAME, namespace: NAMESPACE, labels } },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
      metadata: { name: NAME, labels },
      rules: [
        { apiGroups: [""], resources: ["pods"], verbs: ["get"] },
        { apiGroups: [""], resources: ["nodes"], verbs: ["get", "list", "watch"] },
        { apiGroups: [""], resources: ["nodes/status"], verbs: ["patch"] },
      ],
    },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name: NAME, labels },
      roleRef,
      subjects: [{ kind: "ServiceAccount", name: NAME, namespace: NAMESPACE }],
    },
  ];
}

/** portmap is what lets a pod have a hostPort. */
function networkConfig(podCidr: string) {
  const cni = {
    name: "cbr0",
    cniVersion: "0.3.1",
    plugins: [
      { type: "flannel", delegate: { hairpinMode: true, isDefaultGateway: true } },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  };
  const network = { Network: podCidr, EnableNFTables: false, Backend: { Type: "vxlan" } };
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "kube-flannel-cfg", namespace: NAMESPACE, labels },
    data: { "cni-conf.json": JSON.stringify(cni, null, 2), "net-conf.json": JSON.stringify(network, null, 2) },
  };
}

function copy(name: string, image: string, from: string, to: string, volumeMounts: object[]) {
  return { name, image, command: ["cp"], args: ["-f", from, to], volumeMounts };
}

function daemon(controlPlaneAddress: string) {
  const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  return {
    name: "kube-flannel",
    image: images.flannel,
    command: ["/opt/bin/flanneld"],
    args: ["--ip-masq", "--kube-subnet-mgr"],
    env: [
      field("POD_NAME", "metadata.name"),
      field("POD_NAMESPACE", "metadata.namespace"),
      { name: "EVENT_QUEUE_DEPTH", value: "5000" },
      { name: "KUBERNETES_SERVICE_HOST", value: controlPlaneAddress },
      { name: "KUBERNETES_SERVICE_PORT", value: String(API_PORT) },
    ],
    resources: { requests: { cpu: "100m", memory: "50Mi" } },
    securityContext: { privileged: false, capabilities: { add: ["NET_ADMIN", "NET_RAW"] } },
    volumeMounts: [
      { name: "run", mountPath: "/run/flannel" },
      { name: "config", mountPath: "/etc/kube-flannel/" },
      { name: "xtables-lock", mountPath: "/run/xtables.lock" },
    ],
  };
}

function volumes() {
  return [
    { name: "run", hostPath: { path: "/run/flannel" } },
    { name: "cni-plugin", hostPath: { path: "/opt/cni/bin" } },
    { name: "cni", hostPath: { path: "/etc/cni/net.d" } },
    { name: "config", configMap: { name: "kube-flannel-cfg" } },
    { name: "xtables-lock", hostPath: { path: "/run/xtables.lock", type: "FileOrCreate" } },
  ];
}

function podSpec(controlPlaneAddress: string) {
  const plugin = [{ name: "cni-plugin", mountPath: "/opt/cni/bin" }];
  const config = [
    { name: "cni", mountPath: "/etc/cni/net.d" },
    { name: "config", mountPath: "/etc/kube-flannel/" },
  ];
  return {
    hostNetwork: true,
    priorityClassName: "system-node-critical",
    serviceAccountName: NAME,
    nodeSelector: { "kubernetes.io/os": "linux" },
    tolerations: [{ operator: "Exists", effect: "NoSchedule" }],
    initContainers: [
      copy("install-cni-plugin", images.flannelCniPlugin, "/flannel", "/opt/cni/bin/flannel", plugin),
      copy(
        "install-cni",
        images.flannel,
        "/etc/kube-flannel/cni-conf.json",
        "/etc/cni/net.d/10-flannel.conflist",
        config,
      ),
    ],
    containers: [daemon(controlPlaneAddress)],
    volumes: volumes(),
  };
}

function daemonSet(controlPlaneAddress: string) {
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: DAEMON_SET, namespace: NAMESPACE, labels },
    spec: {
      selector: { matchLabels: { app: "flannel" } },
      template: { metadata: { labels }, spec: podSpec(controlPlaneAddress) },
    },
  };
}

/** flannel with VXLAN (UDP 8472 between the nodes) as one manifest; the control plane's script applies it right after init. */
export function flannelManifest({ podCidr, controlPlaneAddress }: FlannelArgs): string {
  const objects = [namespace(), ...access(), networkConfig(podCidr), daemonSet(controlPlaneAddress)];
  // No aliases: the labels are one object here, and kubectl should not need to care.
  return objects.map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })).join("---\n");
}
