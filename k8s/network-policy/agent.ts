import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { images } from "../../config/versions";
import { type Budget, type Footprint, resources } from "../budget";
import { namespace } from "../namespace";

/** Measured in the lab: see docs/security.md. */
const BUDGET: Budget = { cpu: 10, memory: 40, memoryLimit: 128 };

export const POLICY_AGENT_NAMESPACE = "network-policy";
const NAME = "kube-network-policies";
const LABELS = { app: NAME };

/** On the host's network, where only the nodes and Prometheus come: the security group lets nobody else in. */
const METRICS_PORT = 9981;

export interface PolicyAgentArgs {
  /** What brings the type PodMonitor. */
  monitorTypes: pulumi.Resource;
}

/**
 * What enforces network policies, on every node: flannel carries packets and does not filter them.
 *
 * kube-network-policies of Kubernetes' network group: the kernel hands it the first packet of each connection from or to
 * a pod that has a policy, and it says yes or no; later packets of the connection do not leave the kernel. While it does
 * not run, packets pass: a cluster that works unguarded for a moment is the lesser harm.
 */
export class PolicyAgent extends pulumi.ComponentResource {
  readonly daemonSet: k8s.apps.v1.DaemonSet;

  constructor(name: string, args: PolicyAgentArgs, opts?: pulumi.ComponentResourceOptions) {
    super("daybreak:k8s:PolicyAgent", name, {}, opts);
    const parent = { parent: this };
    const home = namespace({ name: POLICY_AGENT_NAMESPACE, podSecurity: "privileged" }, parent);
    const metadata = { name: NAME, namespace: home.metadata.name, labels: LABELS };
    const account = new k8s.core.v1.ServiceAccount(NAME, { metadata }, parent);
    const role = new k8s.rbac.v1.ClusterRole(
      NAME,
      {
        metadata: { name: NAME },
        rules: [
          { apiGroups: [""], resources: ["pods", "namespaces"], verbs: ["list", "watch"] },
          { apiGroups: ["networking.k8s.io"], resources: ["networkpolicies"], verbs: ["list", "watch"] },
        ],
      },
      parent,
    );
    const binding = new k8s.rbac.v1.ClusterRoleBinding(
      NAME,
      {
        metadata: { name: NAME },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role.metadata.name },
        subjects: [{ kind: "ServiceAccount", name: NAME, namespace: home.metadata.name }],
      },
      parent,
    );
    this.daemonSet = new k8s.apps.v1.DaemonSet(
      NAME,
      { metadata, spec: daemonSetSpec() },
      { ...parent, dependsOn: [account, binding], customTimeouts: { create: "5m", update: "5m" } },
    );
    new k8s.apiextensions.CustomResource(
      NAME,
      {
        apiVersion: "monitoring.coreos.com/v1",
        kind: "PodMonitor",
        metadata,
        spec: { selector: { matchLabels: LABELS }, podMetricsEndpoints: [{ port: "metrics" }] },
      },
      { ...parent, dependsOn: [args.monitorTypes] },
    );
    this.registerOutputs({ daemonSet: this.daemonSet.metadata.name });
  }
}

function daemonSetSpec(): k8s.types.input.apps.v1.DaemonSetSpec {
  return {
    selector: { matchLabels: LABELS },
    template: {
      metadata: { labels: LABELS },
      spec: {
        hostNetwork: true,
        priorityClassName: "system-node-critical",
        tolerations: [{ operator: "Exists" }],
        serviceAccountName: NAME,
        // It has nothing to end: its rules stay for the next one.
        terminationGracePeriodSeconds: 5,
        containers: [container()],
        volumes: Object.entries(HOST_FOLDERS).map(([name, path]) => ({
          name,
          hostPath: { path, type: "DirectoryOrCreate" },
        })),
      },
    },
  };
}

/** Where a container runtime that can (containerd 2) tells it a pod's address before the pod's first packet. */
const HOST_FOLDERS = { nri: "/var/run/nri", netns: "/var/run/netns" };

function container(): k8s.types.input.core.v1.Container {
  return {
    name: NAME,
    image: images.kubeNetworkPolicies,
    imagePullPolicy: "IfNotPresent",
    args: [
      "/bin/netpol",
      "--hostname-override=$(NODE_NAME)",
      `--metrics-bind-address=:${METRICS_PORT}`,
      "--fail-open=true",
      // 2 writes a line for each packet with the policy that decided.
      "--v=0",
    ],
    env: [{ name: "NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } }],
    ports: [{ name: "metrics", containerPort: METRICS_PORT, hostPort: METRICS_PORT, protocol: "TCP" }],
    resources: resources(BUDGET),
    // It writes the node's packet filter and enters pods' networks.
    securityContext: { privileged: true },
    volumeMounts: [
      { name: "nri", mountPath: HOST_FOLDERS.nri },
      { name: "netns", mountPath: HOST_FOLDERS.netns, mountPropagation: "HostToContainer" },
    ],
  };
}

export const NETWORK_POLICY_FOOTPRINT: readonly Footprint[] = [
  { pod: NAME, replicas: "node", pinned: false, meshed: false, containers: { [NAME]: BUDGET } },
];
