import { nthAddress, parseCidr } from "./addresses";
import { Ec2Error } from "./errors";
import { gatewayOf } from "./internet-gateway";
import { newId, type ElasticIp, type Ec2State, type Instance, type Tags } from "./state";

/** Where the lab's public addresses come from: TEST-NET-3 (RFC 5737), which is nobody's. */
export const publicPool = "203.0.113.0/24";

/** Elastic IPs that an account may have in a region (EC2's default quota). */
export const elasticIpQuota = 5;

/** The lowest public address nobody has; InsufficientAddressCapacity when all 244 are taken. */
export function choosePublicAddress(state: Ec2State): string {
  const pool = parseCidr(publicPool);
  const used = new Set([
    ...Object.values(state.elasticIps).map((address) => address.address),
    ...Object.values(state.instances).map((instance) => instance.publicIp),
  ]);
  for (let index = 10; pool !== undefined && index < 254; index += 1) {
    const candidate = nthAddress(pool, index);
    if (!used.has(candidate)) return candidate;
  }
  throw new Ec2Error("InsufficientAddressCapacity", "Not enough addresses available to satisfy the requested count");
}

/** Allocates an Elastic IP; AddressLimitExceeded beyond {@link elasticIpQuota}. */
export function allocateAddress(state: Ec2State, request: { tags?: Tags }): ElasticIp {
  if (Object.keys(state.elasticIps).length >= elasticIpQuota) {
    throw new Ec2Error("AddressLimitExceeded", "The maximum number of addresses has been reached.");
  }
  const elasticIp: ElasticIp = {
    allocationId: newId("eipalloc"),
    address: choosePublicAddress(state),
    tags: request.tags ?? {},
  };
  state.elasticIps[elasticIp.allocationId] = elasticIp;
  return elasticIp;
}

/** The Elastic IP; InvalidAllocationID.NotFound if there is none. */
export function findElasticIp(state: Ec2State, allocationId: string): ElasticIp {
  const elasticIp = state.elasticIps[allocationId];
  if (elasticIp === undefined) {
    throw new Ec2Error("InvalidAllocationID.NotFound", `The allocation ID '${allocationId}' does not exist`);
  }
  return elasticIp;
}

/** The Elastic IP of a machine, if it has one. */
export function elasticIpOf(state: Ec2State, instanceId: string): ElasticIp | undefined {
  return Object.values(state.elasticIps).find((address) => address.instanceId === instanceId);
}

/** Gives an address back; InvalidIPAddress.InUse while it is associated. */
export function releaseAddress(state: Ec2State, allocationId: string): void {
  const elasticIp = findElasticIp(state, allocationId);
  if (elasticIp.associationId !== undefined) {
    throw new Ec2Error("InvalidIPAddress.InUse", `Address ${elasticIp.address} is in use.`);
  }
  delete state.elasticIps[allocationId];
}

/**
 * Associates an Elastic IP with a machine, which loses its own public address (EC2 releases it).
 * Without `allowReassociation` an address in use stays where it is (Resource.AlreadyAssociated).
 */
export function associateAddress(
  state: Ec2State,
  allocationId: string,
  instanceId: string,
  allowReassociation: boolean,
): ElasticIp {
  const elasticIp = findElasticIp(state, allocationId);
  const instance = findUsableInstance(state, instanceId);
  if (elasticIp.instanceId === instanceId) return elasticIp;
  const present = elasticIpOf(state, instanceId);
  if (!allowReassociation && elasticIp.associationId !== undefined) {
    throw alreadyAssociated(allocationId, elasticIp.associationId);
  }
  if (!allowReassociation && present?.associationId !== undefined) {
    throw alreadyAssociated(instance.networkInterfaceId, present.associationId);
  }
  if (gatewayOf(state, instance.vpcId) === undefined) {
    throw new Ec2Error("Gateway.NotAttached", `Network ${instance.vpcId} is not attached to any internet gateway`);
  }
  for (const other of [present, elasticIp])
    if (other?.associationId !== undefined) disassociateAddress(state, other.associationId);
  delete instance.publicIp;
  elasticIp.instanceId = instanceId;
  elasticIp.associationId = newId("eipassoc");
  return elasticIp;
}

function alreadyAssociated(resource: string, associationId: string): Ec2Error {
  return new Ec2Error(
    "Resource.AlreadyAssociated",
    `resource ${resource} is already associated with associate-id ${associationId}`,
  );
}

function findUsableInstance(state: Ec2State, id: string): Instance {
  const instance = state.instances[id];
  if (instance === undefined || instance.state === "terminated") {
    throw new Ec2Error("InvalidInstanceID.NotFound", `The instance ID '${id}' does not exist`);
  }
  if (instance.state === "pending" || instance.state === "shutting-down") {
    throw new Ec2Error(
      "InvalidInstanceID",
      `The ${instance.state} instance '${id}' is not in a valid state for this operation.`,
    );
  }
  return instance;
}

/** The association's address; InvalidAssociationID.NotFound if there is none. */
export function findAddressAssociation(state: Ec2State, associationId: string): ElasticIp {
  const elasticIp = Object.values(state.elasticIps).find((candidate) => candidate.associationId === associationId);
  if (elasticIp === undefined) {
    throw new Ec2Error("InvalidAssociationID.NotFound", `The association ID '${associationId}' does not exist`);
  }
  return elasticIp;
}

/** Takes the Elastic IP off its machine, which gets a public address of its own again if it was launched with one. */
export function disassociateAddress(state: Ec2State, associationId: string): void {
  const elasticIp = findAddressAssociation(state, associationId);
  const instance = state.instances[elasticIp.instanceId ?? ""];
  delete elasticIp.associationId;
  delete elasticIp.instanceId;
  if (instance?.autoPublicIp === true && instance.state === "running") instance.publicIp = choosePublicAddress(state);
}
