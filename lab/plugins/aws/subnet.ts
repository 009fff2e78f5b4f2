import { accountId, type Subnet } from "../../ec2/model/state";
import { createSubnet, deleteSubnet, findSubnet } from "../../ec2/model/subnet";
import { arn } from "./account";
import { checkCidr } from "./cidr-check";
import { defineType, text } from "./noun";

/** `aws.ec2.Subnet`, IPv4 only. */
export const subnetType = defineType<Subnet>({
  title: "EC2 Subnet",
  calls: { create: "CreateSubnet", update: "ModifySubnetAttribute", delete: "DeleteSubnet" },
  inputs: {
    vpcId: { type: "string", required: true, replace: true },
    cidrBlock: { type: "string", required: true, replace: true },
    availabilityZone: { type: "string", replace: true },
    availabilityZoneId: { type: "string", replace: true },
    mapPublicIpOnLaunch: { type: "boolean", default: false },
  },
  outputs: [
    "arn",
    "availabilityZone",
    "availabilityZoneId",
    "ipv6CidrBlock",
    "ipv6CidrBlockAssociationId",
    "ownerId",
    "privateDnsHostnameTypeOnLaunch",
  ],
  tagged: true,
  check: (inputs) => [
    ...checkCidr(inputs, "cidrBlock"),
    ...(inputs.availabilityZone !== undefined && inputs.availabilityZoneId !== undefined
      ? [{ property: "availabilityZoneId", reason: "conflicts with availabilityZone: give one of them" }]
      : []),
  ],
  async create(inputs, account) {
    const zone = text(inputs, "availabilityZone");
    const zoneId = text(inputs, "availabilityZoneId");
    const subnet = await account.cloud().change((state) => {
      const made = createSubnet(state, {
        vpcId: String(inputs.vpcId),
        cidr: String(inputs.cidrBlock),
        region: account.region,
        ...(zone === undefined ? {} : { zone }),
        ...(zoneId === undefined ? {} : { zoneId }),
        tags: { ...(inputs.tagsAll as Record<string, string>) },
      });
      made.mapPublicIp = inputs.mapPublicIpOnLaunch === true;
      return made;
    });
    return subnet.id;
  },
  find: (state, { id }) => findSubnet(state, id),
  describe: (subnet, _state, account) => ({
    arn: arn(account, `subnet/${subnet.id}`),
    vpcId: subnet.vpcId,
    cidrBlock: subnet.cidr,
    availabilityZone: subnet.zone,
    availabilityZoneId: subnet.zoneId,
    mapPublicIpOnLaunch: subnet.mapPublicIp,
    assignIpv6AddressOnCreation: false,
    enableDns64: false,
    enableResourceNameDnsARecordOnLaunch: false,
    enableResourceNameDnsAaaaRecordOnLaunch: false,
    ipv6CidrBlock: "",
    ipv6CidrBlockAssociationId: "",
    ipv6Native: false,
    outpostArn: "",
    ownerId: accountId,
    privateDnsHostnameTypeOnLaunch: "ip-name",
  }),
  observe: (subnet) => ({
    vpcId: subnet.vpcId,
    cidrBlock: subnet.cidr,
    availabilityZone: subnet.zone,
    mapPublicIpOnLaunch: subnet.mapPublicIp,
  }),
  async update(old, inputs, account) {
    await account.cloud().change((state) => {
      findSubnet(state, old.id).mapPublicIp = inputs.mapPublicIpOnLaunch === true;
    });
  },
  async delete({ id }, account) {
    await account.cloud().change((state) => deleteSubnet(state, id));
  },
});
