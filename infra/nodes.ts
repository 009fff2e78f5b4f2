import * as pulumi from "@pulumi/pulumi";
import { Eip, EipAssociation, KeyPair } from "@pulumi/aws/ec2";
import { getParameterOutput } from "@pulumi/aws/ssm/getParameter";

import type { InfraConfig } from "../config/schema";
import type { NetworkPlan } from "../config/network";
import type { Network } from "./network";
import { type Machine, Node } from "./node";
import type { SshKeys } from "./ssh-keys";

/** Canonical publishes the id of its current image of Ubuntu 24.04 here. */
const UBUNTU_PARAMETER = "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id";

/** Name of the control plane's node. */
export const CONTROL_PLANE = "control-plane";

/** Names of the workers' nodes: worker-1 and up. */
export function workerNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `worker-${index + 1}`);
}

export type NodeSettings = Pick<
  InfraConfig,
  "controlPlaneInstanceType" | "workerInstanceType" | "workerCount" | "rootVolumeGib" | "spot" | "cpuCredits" | "ami"
>;

export interface NodesArgs {
  settings: NodeSettings;
  plan: NetworkPlan;
  network: Network;
  securityGroupId: pulumi.Input<string>;
  keys: SshKeys;
}

/** The control plane with its Elastic IP, and the workers. */
export class Nodes extends pulumi.ComponentResource {
  readonly controlPlane: Node;
  readonly workers: readonly Node[];
  /** The Elastic IP: the cluster's address from outside, known before the machine boots. */
  readonly masterPublicAddress: pulumi.Output<string>;

  constructor(name: string, args: NodesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("daybreak:infra:Nodes", name, args, opts);
    const machine = this.machine(name, args);
    this.controlPlane = this.controlPlaneNode(name, args, machine);
    this.workers = workerNames(args.settings.workerCount).map((worker, index) =>
      this.workerNode(name, args, machine, worker, args.plan.workerAddresses[index] ?? ""),
    );
    this.masterPublicAddress = this.elasticAddress(`${name}-${CONTROL_PLANE}`, args.network);
    this.registerOutputs({
      masterPublicAddress: this.masterPublicAddress,
      workerPublicAddresses: this.workers.map((worker) => worker.publicAddress),
    });
  }

  private machine(name: string, { settings, keys, securityGroupId }: NodesArgs): Machine {
    const keyPair = new KeyPair(name, { publicKey: keys.admin.publicKey }, { parent: this });
    // The provider takes every parameter for a secret; this one is public.
    const current = () => pulumi.unsecret(getParameterOutput({ name: UBUNTU_PARAMETER }, { parent: this }).value);
    return {
      ami: settings.ami ?? current(),
      imageIsChosen: settings.ami !== undefined,
      securityGroupId,
      keyName: keyPair.keyName,
      rootVolumeGib: settings.rootVolumeGib,
      cpuCredits: settings.cpuCredits,
    };
  }

  private controlPlaneNode(name: string, { settings, plan, network, keys }: NodesArgs, machine: Machine): Node {
    const args = {
      ...machine,
      nodeName: CONTROL_PLANE,
      hostKey: keys.host(CONTROL_PLANE),
      subnetId: network.controlPlaneSubnetId,
      privateAddress: plan.controlPlaneAddress,
      instanceType: settings.controlPlaneInstanceType,
      spot: false,
    };
    return new Node(`${name}-${CONTROL_PLANE}`, args, { parent: this });
  }

  private workerNode(name: string, args: NodesArgs, machine: Machine, nodeName: string, privateAddress: string): Node {
    const { settings, network, keys } = args;
    const node = {
      ...machine,
      nodeName,
      hostKey: keys.host(nodeName),
      subnetId: network.workerSubnetId,
      privateAddress,
      instanceType: settings.workerInstanceType,
      spot: settings.spot,
    };
    return new Node(`${name}-${nodeName}`, node, { parent: this });
  }

  private elasticAddress(name: string, network: Network): pulumi.Output<string> {
    const address = new Eip(
      name,
      { domain: "vpc", tags: { Name: name } },
      { parent: this, dependsOn: [network.internetGateway] },
    );
    new EipAssociation(
      name,
      { allocationId: address.allocationId, instanceId: this.controlPlane.instanceId },
      { parent: this },
    );
    return address.publicIp;
  }
}
