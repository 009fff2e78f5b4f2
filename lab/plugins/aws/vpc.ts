import { createVpc, deleteVpc, findVpc } from "../../ec2/model/vpc";
import { accountId, type Vpc } from "../../ec2/model/state";
import { arn } from "./account";
import { checkCidr } from "./cidr-check";
import { defineType } from "./noun";

/** `aws.ec2.Vpc`, IPv4 only. */
export const vpcType = defineType<Vpc>({
  title: "EC2 VPC",
  calls: { create: "CreateVpc", update: "ModifyVpcAttribute", delete: "DeleteVpc" },
  inputs: {
    cidrBlock: { type: "string", required: true, replace: true },
    enableDnsSupport: { type: "boolean", default: true },
    enableDnsHostnames: { type: "boolean" },
    instanceTenancy: { type: "string", default: "default", oneOf: ["default"] },
  },
  outputs: [
    "arn",
    "defaultNetworkAclId",
    "defaultRouteTableId",
    "defaultSecurityGroupId",
    "dhcpOptionsId",
    "enableDnsHostnames",
    "enableNetworkAddressUsageMetrics",
    "ipv6AssociationId",
    "ipv6CidrBlock",
    "mainRouteTableId",
    "ownerId",
  ],
  tagged: true,
  check: (inputs) => checkCidr(inputs, "cidrBlock"),
  async create(inputs, account) {
    const vpc = await account.cloud().change((state) => {
      const made = createVpc(state, {
        cidr: String(inputs.cidrBlock),
        tags: { ...(inputs.tagsAll as Record<string, string>) },
      });
      made.dnsSupport = inputs.enableDnsSupport !== false;
      made.dnsHostnames = inputs.enableDnsHostnames === true;
      return made;
    });
    return vpc.id;
  },
  find: (state, { id }) => findVpc(state, id),
  describe: (vpc, _state, account) => ({
    arn: arn(account, `vpc/${vpc.id}`),
    cidrBlock: vpc.cidr,
    enableDnsSupport: vpc.dnsSupport,
    enableDnsHostnames: vpc.dnsHostnames,
    enableNetworkAddressUsageMetrics: false,
    assignGeneratedIpv6CidrBlock: false,
    instanceTenancy: vpc.tenancy,
    mainRouteTableId: vpc.mainRouteTableId,
    defaultRouteTableId: vpc.mainRouteTableId,
    defaultSecurityGroupId: vpc.defaultGroupId,
    defaultNetworkAclId: vpc.networkAclId,
    dhcpOptionsId: vpc.dhcpOptionsId,
    ipv6AssociationId: "",
    ipv6CidrBlock: "",
    ownerId: accountId,
  }),
  observe: (vpc) => ({
    cidrBlock: vpc.cidr,
    enableDnsSupport: vpc.dnsSupport,
    enableDnsHostnames: vpc.dnsHostnames,
    instanceTenancy: vpc.tenancy,
  }),
  async update(old, inputs, account) {
    await account.cloud().change((state) => {
      const vpc = findVpc(state, old.id);
      vpc.dnsSupport = inputs.enableDnsSupport !== false;
      vpc.dnsHostnames = inputs.enableDnsHostnames === true;
    });
  },
  async delete({ id }, account) {
    await account.cloud().change((state) => deleteVpc(state, id));
  },
});
