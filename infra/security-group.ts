import * as pulumi from "@pulumi/pulumi";
import { SecurityGroup as AwsSecurityGroup } from "@pulumi/aws/ec2";
import { SecurityGroupEgressRule, SecurityGroupIngressRule } from "@pulumi/aws/vpc";
import { NODE_PORTS } from "../config/network";

export interface SecurityGroupArgs {
  vpcId: pulumi.Input<string>;
  /** Networks that may reach SSH and the Kubernetes API; never the world. */
  adminCidrs: readonly string[];
  /** Networks that may reach Bookinfo and Grafana on every node. */
  nodePortCidrs: readonly string[];
}

/** What is open to whom from outside. */
function openings({ adminCidrs, nodePortCidrs }: SecurityGroupArgs) {
  return [
    { what: "ssh", port: 22, cidrs: adminCidrs },
    { what: "api", port: 6443, cidrs: adminCidrs },
    { what: "bookinfo", port: NODE_PORTS.bookinfo, cidrs: nodePortCidrs },
    { what: "grafana", port: NODE_PORTS.grafana, cidrs: nodePortCidrs },
  ];
}

/**
 * The nodes' security group: four ports from outside, everything between the nodes, everything outwards.
 *
 * The rule that names the group itself is what the cluster stands on: kubelet (10250), VXLAN (UDP 8472), webhooks, etcd and metrics
 * all run from node to node. Without it a cluster looks healthy and everything across two nodes hangs.
 */
export class SecurityGroup extends pulumi.ComponentResource {
  readonly groupId: pulumi.Output<string>;

  constructor(name: string, args: SecurityGroupArgs, opts?: pulumi.ComponentResourceOptions) {
    super("daybreak:infra:SecurityGroup", name, args, opts);
    const group = new AwsSecurityGroup(
      name,
      { vpcId: args.vpcId, description: "Nodes of the daybreak cluster", tags: { Name: name } },
      { parent: this },
    );
    this.groupId = group.id;
    this.openToOutside(name, args);
    new SecurityGroupIngressRule(
      `${name}-nodes`,
      {
        securityGroupId: group.id,
        referencedSecurityGroupId: group.id,
        ipProtocol: "-1",
        description: "everything between the nodes",
      },
      { parent: this },
    );
    new SecurityGroupEgressRule(
      `${name}-outwards`,
      { securityGroupId: group.id, cidrIpv4: "0.0.0.0/0", ipProtocol: "-1", description: "everything outwards" },
      { parent: this },
    );
    this.registerOutputs({ groupId: this.groupId });
  }

  private openToOutside(name: string, args: SecurityGroupArgs): void {
    for (const { what, port, cidrs } of openings(args))
      for (const cidr of cidrs)
        new SecurityGroupIngressRule(
          `${name}-${what}-${cidr.replace("/", "-")}`,
          {
            securityGroupId: this.groupId,
            cidrIpv4: cidr,
            ipProtocol: "tcp",
            fromPort: port,
            toPort: port,
            description: `${what} from ${cidr}`,
          },
          { parent: this },
        );
  }
}
