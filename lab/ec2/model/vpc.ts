import { canonicalCidr, nthAddress, parseCidr } from "./addresses";
import { Ec2Error, dependencyViolation, invalidParameterValue } from "./errors";
import { addRule } from "./security-group-rule";
import { newId, type Ec2State, type Tags, type Vpc } from "./state";

/** VPCs that an account may have in a region (EC2's default quota). */
export const vpcQuota = 5;

/** The name server of a VPC is the third address of its block ("the base plus two"). */
export function nameServerOf(cidr: string): string {
  const block = parseCidr(cidr);
  if (block === undefined) throw new Error(`${cidr} is no block of addresses`);
  return nthAddress(block, 2);
}

export interface VpcRequest {
  cidr: string;
  tenancy?: string;
  tags?: Tags;
}

/**
 * Creates a VPC with its main route table and its default security group.
 * Refuses blocks that are not /16 to /28 (InvalidVpc.Range) and more than {@link vpcQuota} VPCs (VpcLimitExceeded).
 */
export function createVpc(state: Ec2State, request: VpcRequest): Vpc {
  checkVpcCidr(request.cidr);
  if (Object.keys(state.vpcs).length >= vpcQuota) {
    throw new Ec2Error("VpcLimitExceeded", "The maximum number of VPCs has been reached.");
  }
  const vpc: Vpc = {
    id: newId("vpc"),
    cidr: request.cidr,
    dnsSupport: true,
    dnsHostnames: false,
    tenancy: request.tenancy ?? "default",
    mainRouteTableId: newId("rtb"),
    defaultGroupId: newId("sg"),
    networkAclId: newId("acl"),
    dhcpOptionsId: newId("dopt"),
    tags: request.tags ?? {},
  };
  state.vpcs[vpc.id] = vpc;
  addMainRouteTable(state, vpc);
  addDefaultGroup(state, vpc);
  return vpc;
}

function checkVpcCidr(cidr: string): void {
  const block = parseCidr(cidr);
  if (block === undefined) {
    const meant = canonicalCidr(cidr);
    const hint = meant === undefined ? "" : ` Did you mean ${meant}?`;
    throw invalidParameterValue(
      `Value (${cidr}) for parameter cidrBlock is invalid. This is not a valid CIDR block.${hint}`,
    );
  }
  if (block.prefix < 16 || block.prefix > 28) throw new Ec2Error("InvalidVpc.Range", `The CIDR '${cidr}' is invalid.`);
}

function addMainRouteTable(state: Ec2State, vpc: Vpc): void {
  const id = vpc.mainRouteTableId;
  state.routeTables[id] = { id, vpcId: vpc.id, main: true, routes: [], associations: [], tags: {} };
}

function addDefaultGroup(state: Ec2State, vpc: Vpc): void {
  const id = vpc.defaultGroupId;
  state.groups[id] = { id, vpcId: vpc.id, name: "default", description: "default VPC security group", tags: {} };
  addRule(state, { groupId: id, direction: "ingress", protocol: "-1", referencedGroupId: id });
  addRule(state, { groupId: id, direction: "egress", protocol: "-1", cidrIpv4: "0.0.0.0/0" });
}

/** The VPC; InvalidVpcID.NotFound if there is none. */
export function findVpc(state: Ec2State, id: string): Vpc {
  const vpc = state.vpcs[id];
  if (vpc === undefined) throw new Ec2Error("InvalidVpcID.NotFound", `The vpc ID '${id}' does not exist`);
  return vpc;
}

/** Deletes the VPC with its main route table and default group; DependencyViolation while anything else is in it. */
export function deleteVpc(state: Ec2State, id: string): void {
  const vpc = findVpc(state, id);
  const inside = [
    ...Object.values(state.subnets),
    ...Object.values(state.gateways),
    ...Object.values(state.routeTables).filter((table) => !table.main),
    ...Object.values(state.groups).filter((group) => group.id !== vpc.defaultGroupId),
  ].some((object) => object.vpcId === id);
  if (inside) throw dependencyViolation(`The vpc '${id}' has dependencies and cannot be deleted.`);
  for (const rule of Object.values(state.rules)) if (rule.groupId === vpc.defaultGroupId) delete state.rules[rule.id];
  delete state.groups[vpc.defaultGroupId];
  delete state.routeTables[vpc.mainRouteTableId];
  delete state.vpcs[id];
}
