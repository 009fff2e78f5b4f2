import { blockSize, containsCidr, nthAddress, overlaps, parseAddress, parseCidr, type Cidr } from "./addresses";
import { Ec2Error, dependencyViolation, invalidParameterValue } from "./errors";
import { newId, type Ec2State, type Subnet, type Tags } from "./state";
import { findVpc } from "./vpc";
import { zonesOf } from "./zones";

export interface SubnetRequest {
  vpcId: string;
  cidr: string;
  region: string;
  /** Zone name; the region's first zone if not given. */
  zone?: string;
  /** Zone id instead of the name. */
  zoneId?: string;
  tags?: Tags;
}

/** Creates a subnet inside its VPC's block that overlaps no other (InvalidSubnet.Range, InvalidSubnet.Conflict). */
export function createSubnet(state: Ec2State, request: SubnetRequest): Subnet {
  const vpc = findVpc(state, request.vpcId);
  const block = parseCidr(request.cidr);
  const vpcBlock = parseCidr(vpc.cidr);
  if (block === undefined || vpcBlock === undefined) {
    throw invalidParameterValue(
      `Value (${request.cidr}) for parameter cidrBlock is invalid. This is not a valid CIDR block.`,
    );
  }
  if (block.prefix < 16 || block.prefix > 28 || !containsCidr(vpcBlock, block)) {
    throw new Ec2Error("InvalidSubnet.Range", `The CIDR '${request.cidr}' is invalid.`);
  }
  refuseConflict(state, request, block);
  const zone = chooseZone(request);
  const subnet: Subnet = {
    id: newId("subnet"),
    vpcId: vpc.id,
    cidr: request.cidr,
    zone: zone.name,
    zoneId: zone.id,
    mapPublicIp: false,
    tags: request.tags ?? {},
  };
  state.subnets[subnet.id] = subnet;
  return subnet;
}

function refuseConflict(state: Ec2State, request: SubnetRequest, block: Cidr): void {
  for (const other of Object.values(state.subnets)) {
    const otherBlock = parseCidr(other.cidr);
    if (other.vpcId === request.vpcId && otherBlock !== undefined && overlaps(otherBlock, block)) {
      throw new Ec2Error("InvalidSubnet.Conflict", `The CIDR '${request.cidr}' conflicts with another subnet`);
    }
  }
}

function chooseZone(request: SubnetRequest): { name: string; id: string } {
  const zones = zonesOf(request.region);
  const wanted =
    request.zone !== undefined
      ? zones.find((zone) => zone.name === request.zone)
      : request.zoneId !== undefined
        ? zones.find((zone) => zone.id === request.zoneId)
        : zones[0];
  if (wanted !== undefined) return wanted;
  throw invalidParameterValue(
    `Value (${request.zone ?? request.zoneId}) for parameter availabilityZone is invalid. Subnets can currently only ` +
      `be created in the following availability zones: ${zones.map((zone) => zone.name).join(", ")}.`,
  );
}

/** The subnet; InvalidSubnetID.NotFound if there is none. */
export function findSubnet(state: Ec2State, id: string): Subnet {
  const subnet = state.subnets[id];
  if (subnet === undefined) throw new Ec2Error("InvalidSubnetID.NotFound", `The subnet ID '${id}' does not exist`);
  return subnet;
}

/** Deletes an empty subnet and its route table association; DependencyViolation while a machine is in it. */
export function deleteSubnet(state: Ec2State, id: string): void {
  findSubnet(state, id);
  const used = Object.values(state.instances).some(
    (instance) => instance.subnetId === id && instance.state !== "terminated",
  );
  if (used) throw dependencyViolation(`The subnet '${id}' has dependencies and cannot be deleted.`);
  for (const table of Object.values(state.routeTables)) {
    table.associations = table.associations.filter((association) => association.subnetId !== id);
  }
  delete state.subnets[id];
}

/** Addresses at the start of every subnet that EC2 keeps: network, router, DNS, future use. The last one too. */
export const reservedAtStart = 4;

/** The address of the VPC's router in a subnet, the machines' gateway. */
export function routerAddress(subnet: Subnet): string {
  return nthAddress(blockOf(subnet), 1);
}

/**
 * The private address for a new machine: the wanted one if it can be had, else the lowest free one.
 * Refuses addresses outside the subnet, reserved ones and those in use (InvalidIPAddress.InUse).
 */
export function choosePrivateAddress(state: Ec2State, subnet: Subnet, wanted?: string): string {
  const block = blockOf(subnet);
  const used = new Set(
    Object.values(state.instances)
      .filter((instance) => instance.subnetId === subnet.id && instance.state !== "terminated")
      .map((instance) => instance.privateIp),
  );
  if (wanted !== undefined) return checkWanted(block, used, wanted);
  for (let index = reservedAtStart; index < blockSize(block.prefix) - 1; index += 1) {
    const candidate = nthAddress(block, index);
    if (!used.has(candidate)) return candidate;
  }
  throw new Ec2Error(
    "InsufficientFreeAddressesInSubnet",
    `There are not enough free addresses in subnet '${subnet.id}' to satisfy the requested number of instances.`,
  );
}

function checkWanted(block: Cidr, used: Set<string>, wanted: string): string {
  const address = parseAddress(wanted);
  if (address === undefined) throw invalidParameterValue(`invalid value for parameter address: ${wanted}`);
  const index = address - block.first;
  if (index < 0 || index >= blockSize(block.prefix)) {
    throw invalidParameterValue(`Address ${wanted} does not fall within the subnet's address range`);
  }
  if (index < reservedAtStart || index === blockSize(block.prefix) - 1) {
    throw invalidParameterValue(`Address ${wanted} is in subnet's reserved address range`);
  }
  if (used.has(wanted)) throw new Ec2Error("InvalidIPAddress.InUse", `Address ${wanted} is in use.`);
  return wanted;
}

function blockOf(subnet: Subnet): Cidr {
  const block = parseCidr(subnet.cidr);
  if (block === undefined) throw new Error(`subnet ${subnet.id} has the block ${subnet.cidr}, which is none`);
  return block;
}
