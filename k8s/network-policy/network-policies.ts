import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import type { ClusterAddresses } from "../cluster";
import { PolicyAgent } from "./agent";
import { type ClusterNetwork, hostBlock } from "./peers";
import { networkPolicies, type Parts } from "./policies";

export interface NetworkPoliciesArgs {
  addresses: ClusterAddresses;
  /** The workloads' namespaces. Only they are waited for: a policy is best there before the first pod. */
  namespaces: readonly k8s.core.v1.Namespace[];
  parts: Parts;
  /** What brings the type PodMonitor. */
  monitorTypes: pulumi.Resource;
}

/**
 * The network policies of all workloads, and what enforces them.
 *
 * They name the nodes' addresses as they are now: after nodes have come or gone, this stack wants an `up` as well.
 */
export class NetworkPolicies extends pulumi.ComponentResource {
  constructor(
    name: string,
    private readonly args: NetworkPoliciesArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("daybreak:k8s:NetworkPolicies", name, {}, opts);
    const agent = new PolicyAgent("policy-agent", { monitorTypes: args.monitorTypes }, { parent: this });
    for (const { namespace, name: policy, spec } of networkPolicies(this.network(), args.parts))
      new k8s.networking.v1.NetworkPolicy(
        `${namespace}-${policy}`,
        { metadata: { name: policy, namespace }, spec },
        { parent: this, dependsOn: [...args.namespaces] },
      );
    this.registerOutputs({ agent: agent.daemonSet.metadata.name });
  }

  private network(): ClusterNetwork {
    const { podCidr, nodes } = this.args.addresses;
    return { podCidr, hosts: nodes.flatMap(({ name, address }) => [`${address}/32`, this.hostBlockOf(name)]) };
  }

  /** Which part of the pods' network a node has is the controller manager's choice: the node says it. */
  private hostBlockOf(node: string): pulumi.Output<string> {
    const { spec } = k8s.core.v1.Node.get(`node-${node}`, node, { parent: this });
    return spec.podCIDR.apply(hostBlock);
  }
}
