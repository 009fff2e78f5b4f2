import { stringify } from "yaml";

import { apiServerFiles } from "./api-server-files";

/** The API server's port, on the node and from outside. */
export const API_PORT = 6443;

const API_VERSION = "kubeadm.k8s.io/v1beta4";

/** What kubeadm is told about one node. */
export interface NodeRegistrationArgs {
  nodeName: string;
  /** The node's address inside the VPC. */
  privateAddress: string;
  /** False for a machine with cgroup v1, see `daybreak:failCgroupV1`. */
  failCgroupV1: boolean;
}

export interface InitArgs extends NodeRegistrationArgs {
  clusterName: string;
  kubernetesVersion: string;
  podCidr: string;
  serviceCidr: string;
  bootstrapToken: string;
  /** The Elastic IP, which the API server's certificate has to name. */
  publicAddress: string;
}

export interface JoinArgs extends NodeRegistrationArgs {
  bootstrapToken: string;
  controlPlaneAddress: string;
  /** `sha256:…` of the authority's public key; the worker trusts nobody else. */
  caCertHash: string;
}

interface Argument {
  name: string;
  value: string;
}

function args(values: Record<string, string>): Argument[] {
  return Object.entries(values).map(([name, value]) => ({ name, value }));
}

/** Several YAML documents in one text, as kubeadm reads them. */
function documents(...objects: object[]): string {
  return objects.map((object) => stringify(object, { lineWidth: 0 })).join("---\n");
}

function nodeRegistration({ nodeName, privateAddress, failCgroupV1 }: NodeRegistrationArgs) {
  return {
    name: nodeName,
    criSocket: "unix:///run/containerd/containerd.sock",
    imagePullPolicy: "IfNotPresent",
    imagePullSerial: false,
    kubeletExtraArgs: args({ "node-ip": privateAddress }),
    // kubeadm's check of the system has no switch for cgroup v1 alone.
    ...(failCgroupV1 ? {} : { ignorePreflightErrors: ["SystemVerification"] }),
  };
}

function initConfiguration(init: InitArgs) {
  return {
    apiVersion: API_VERSION,
    kind: "InitConfiguration",
    bootstrapTokens: [
      {
        token: init.bootstrapToken,
        ttl: "24h0m0s",
        usages: ["signing", "authentication"],
        groups: ["system:bootstrappers:kubeadm:default-node-token"],
      },
    ],
    localAPIEndpoint: { advertiseAddress: init.privateAddress, bindPort: API_PORT },
    nodeRegistration: nodeRegistration(init),
  };
}

/** Metrics listen on the node's own address, where Prometheus reaches them; the security group lets only nodes through. */
function clusterConfiguration(init: InitArgs) {
  const { privateAddress } = init;
  return {
    apiVersion: API_VERSION,
    kind: "ClusterConfiguration",
    clusterName: init.clusterName,
    kubernetesVersion: `v${init.kubernetesVersion}`,
    controlPlaneEndpoint: `${privateAddress}:${API_PORT}`,
    encryptionAlgorithm: "ECDSA-P256",
    networking: { podSubnet: init.podCidr, serviceSubnet: init.serviceCidr, dnsDomain: "cluster.local" },
    apiServer: {
      certSANs: [init.publicAddress, privateAddress],
      extraArgs: args(apiServerFiles.flags),
      extraVolumes: apiServerFiles.volumes,
    },
    controllerManager: { extraArgs: args({ "bind-address": privateAddress }) },
    scheduler: { extraArgs: args({ "bind-address": privateAddress }) },
    etcd: {
      local: {
        dataDir: "/var/lib/etcd",
        extraArgs: args({ "listen-metrics-urls": `http://127.0.0.1:2381,http://${privateAddress}:2381` }),
      },
    },
  };
}

/**
 * When the kubelet evicts pods. Free space is absolute, about what the defaults of 10 % and 15 % are on a root volume of
 * 20 GiB: on a large disk, or where nodes share one, a percentage evicts pods while there is room for hundreds.
 */
const EVICTION = {
  "memory.available": "100Mi",
  "nodefs.available": "1Gi",
  "nodefs.inodesFree": "5%",
  "imagefs.available": "2Gi",
  "imagefs.inodesFree": "5%",
};

function kubeletConfiguration(failCgroupV1: boolean) {
  return {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    cgroupDriver: "systemd",
    serializeImagePulls: false,
    maxParallelImagePulls: 5,
    evictionHard: EVICTION,
    // A node lives for a day: images are removed when the disk gets short (imagefs.available), not at 85 % of its size.
    imageGCHighThresholdPercent: 100,
    ...(failCgroupV1 ? {} : { failCgroupV1: false }),
  };
}

/** One configuration for all nodes, so no node's own address can stand here: the security group keeps the outside off 10249. */
function kubeProxyConfiguration(podCidr: string) {
  return {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: "iptables",
    clusterCIDR: podCidr,
    metricsBindAddress: "0.0.0.0:10249",
    // The machine's own limit stands: it fits the machine's memory, and a namespace of its own could not change it.
    conntrack: { maxPerCore: 0, min: 0 },
  };
}

/** kubeadm's configuration of the control plane (v1beta4), with those of kubelet and kube-proxy for the whole cluster. */
export function initConfig(init: InitArgs): string {
  return documents(
    initConfiguration(init),
    clusterConfiguration(init),
    kubeletConfiguration(init.failCgroupV1),
    kubeProxyConfiguration(init.podCidr),
  );
}

/** kubeadm's configuration of a worker (v1beta4). */
export function joinConfig(join: JoinArgs): string {
  return documents({
    apiVersion: API_VERSION,
    kind: "JoinConfiguration",
    discovery: {
      bootstrapToken: {
        apiServerEndpoint: `${join.controlPlaneAddress}:${API_PORT}`,
        token: join.bootstrapToken,
        caCertHashes: [join.caCertHash],
      },
    },
    nodeRegistration: nodeRegistration(join),
  });
}
