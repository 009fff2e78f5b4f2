import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { requireCompatibleVersions } from "../config/load";
import type { LinkerdChannel } from "../config/versions";

/** What the infra stack says about its cluster. */
export interface ClusterArgs {
  kubernetesVersion: pulumi.Output<string>;
  /** Secret. */
  kubeconfig: pulumi.Output<string>;
  /** Identity of the control-plane machine. */
  clusterIdentifier: pulumi.Output<string>;
}

export interface VersionChoices {
  linkerdChannel: LinkerdChannel;
  allowUnsupportedVersions: boolean;
}

/**
 * Hands the kubeconfig on, once it is certain that what we are about to install supports the cluster's Kubernetes.
 * @throws ConfigError with the reasons otherwise
 */
export function whenCompatible(choices: VersionChoices, kubernetesVersion: string, kubeconfig: string): string {
  requireCompatibleVersions({ kubernetesVersion, ...choices });
  return kubeconfig;
}

/** The one provider of everything in the cluster. It waits for the versions' verdict, and everything waits for it. */
export function clusterProvider(args: ClusterArgs, choices: VersionChoices): k8s.Provider {
  return new k8s.Provider("cluster", {
    kubeconfig: pulumi.secret(
      pulumi
        .all([args.kubernetesVersion, args.kubeconfig])
        .apply(([version, text]) => whenCompatible(choices, version, text)),
    ),
    // Names the machine, not the kubeconfig: a renewed certificate is no new cluster, a new control plane is one.
    clusterIdentifier: args.clusterIdentifier,
    enableServerSideApply: true,
  });
}
