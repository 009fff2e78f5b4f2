import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { requireCompatibleVersions } from "../config/load";
import type { LinkerdChannel } from "../config/versions";

export interface VersionChoices {
  linkerdChannel: LinkerdChannel;
  allowUnsupportedVersions: boolean;
}

/**
 * The Kubernetes version of the infra stack's cluster, once it is certain that there is a cluster and that what we are
 * about to install supports it. To be awaited before anything is registered.
 * @throws RunError when the infra stack has not been brought up
 * @throws ConfigError with the reasons when upstream does not support the combination
 */
export async function requireCluster(
  infra: pulumi.StackReference,
  stackName: string,
  choices: VersionChoices,
): Promise<string> {
  const { value } = (await infra.getOutputDetails("kubernetesVersion")) as { value?: unknown };
  if (typeof value !== "string")
    throw new pulumi.RunError(
      `Stack ${stackName} has no cluster to put the workloads on.\n` +
        `  Bring it up first: pulumi up --stack ${stackName} (or npm run up for both stacks).\n` +
        `  Is it another stack? pulumi config set daybreak:infraStack NAME`,
    );
  requireCompatibleVersions({ kubernetesVersion: value, ...choices });
  return value;
}

/** Addresses inside the cluster. */
export interface ClusterAddresses {
  /** All pods'. */
  podCidr: string;
  /** The control plane first. */
  nodes: readonly { name: string; address: string; publicAddress: string }[];
}

/** The infra stack's addresses. To be awaited before anything is registered, after {@link requireCluster}. */
export async function clusterAddresses(infra: pulumi.StackReference): Promise<ClusterAddresses> {
  const valueOf = async (name: string) => ((await infra.getOutputDetails(name)) as { value?: unknown }).value;
  const names = (await valueOf("nodeNames")) as string[];
  const ofNodes = async (master: string, workers: string) =>
    [await valueOf(master), ...((await valueOf(workers)) as string[])] as string[];
  const addresses = await ofNodes("masterPrivateIp", "workerPrivateIps");
  const publicAddresses = await ofNodes("masterPublicIp", "workerPublicIps");
  return {
    podCidr: (await valueOf("podCidr")) as string,
    nodes: names.map((name, index) => ({
      name,
      address: addresses[index] ?? "",
      publicAddress: publicAddresses[index] ?? "",
    })),
  };
}

/** The one provider of everything in the cluster. */
export function clusterProvider(infra: pulumi.StackReference): k8s.Provider {
  return new k8s.Provider("cluster", {
    kubeconfig: pulumi.secret(infra.requireOutput("kubeconfig") as pulumi.Output<string>),
    // Names the machine, not the kubeconfig: a renewed certificate is no new cluster, a new control plane is one.
    clusterIdentifier: infra.requireOutput("clusterIdentifier") as pulumi.Output<string>,
    enableServerSideApply: true,
  });
}
