import type { Region } from "@pulumi/aws";
import { Provider } from "@pulumi/aws/provider";
import * as pulumi from "@pulumi/pulumi";

import { loadInfraConfig } from "../config/load";
import { NODE_PORTS, planNetwork } from "../config/network";
import { Authority } from "../infra/authority";
import { ClusterSecrets } from "../infra/cluster-secrets";
import { Cluster } from "../infra/cluster";
import { Network } from "../infra/network";
import { CONTROL_PLANE, Nodes, workerNames } from "../infra/nodes";
import { SecurityGroup } from "../infra/security-group";
import { SshKeys } from "../infra/ssh-keys";

/** The VPC, the nodes and Kubernetes on them. */
export function infraStack() {
  const config = loadInfraConfig();
  const plan = planNetwork(config);
  const name = `${pulumi.getProject()}-${pulumi.getStack()}`;
  const nodeNames = [CONTROL_PLANE, ...workerNames(config.workerCount)];

  const aws = new Provider("aws", {
    region: config.region as Region,
    defaultTags: { tags: { ...config.tags, Project: pulumi.getProject(), Stack: pulumi.getStack() } },
  });
  const onAws = { provider: aws };

  const keys = new SshKeys("ssh", { nodeNames });
  const authority = new Authority("authority");
  const secrets = new ClusterSecrets("secrets");

  const network = new Network(name, { ...config, subnetCidrs: plan.subnetCidrs }, onAws);
  const group = new SecurityGroup(`${name}-nodes`, { ...config, vpcId: network.vpcId }, onAws);
  const nodes = new Nodes(name, { settings: config, plan, network, securityGroupId: group.groupId, keys }, onAws);
  const cluster = new Cluster("cluster", {
    clusterName: name,
    settings: config,
    nodes,
    keys,
    authority,
    secrets,
    reachableThrough: [network, group],
  });

  const { controlPlane, workers, masterPublicAddress } = nodes;
  return {
    kubeconfig: cluster.kubeconfig,
    viewerKubeconfig: cluster.viewerKubeconfig,
    viewerUser: authority.viewerUser,
    kubernetesVersion: config.kubernetesVersion,
    clusterIdentifier: controlPlane.instanceId,
    nodeNames,
    podCidr: config.podCidr,
    masterPublicIp: masterPublicAddress,
    masterPrivateIp: controlPlane.privateAddress,
    workerPublicIps: workers.map((worker) => worker.publicAddress),
    workerPrivateIps: workers.map((worker) => worker.privateAddress),
    privateKey: keys.admin.privateKey,
    sshKnownHosts: pulumi.interpolate`${masterPublicAddress} ${controlPlane.hostKey}`,
    sshCommand: pulumi.interpolate`ssh -i daybreak.pem ubuntu@${masterPublicAddress}`,
    grafanaUrl: pulumi.interpolate`http://${masterPublicAddress}:${NODE_PORTS.grafana}`,
    bookinfoUrl: pulumi.interpolate`http://${masterPublicAddress}:${NODE_PORTS.bookinfo}/productpage`,
  };
}
