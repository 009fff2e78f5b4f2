import { randomBytes } from "node:crypto";
import { choosePublicAddress, disassociateAddress, elasticIpOf } from "./elastic-ip";
import { Ec2Error, invalidParameterValue } from "./errors";
import { instanceTypes } from "./instance-types";
import { findKeyPair } from "./key-pair";
import { chooseGroups } from "./security-group";
import { newId, type Ec2State, type Instance, type Tags } from "./state";
import { choosePrivateAddress, findSubnet } from "./subnet";

export interface InstanceRequest {
  imageId: string;
  type: string;
  subnetId: string;
  privateIp?: string;
  /** The subnet's, if given at all. */
  zone?: string;
  /** Default: what the subnet says. */
  associatePublicIp?: boolean;
  keyName?: string;
  groupIds?: string[];
  userData?: string;
  sourceDestCheck?: boolean;
  spot?: boolean;
  tags?: Tags;
}

/** Most that EC2 takes as user data, in bytes before base64. */
export const userDataLimit = 16384;

/**
 * Launches a machine (state pending). `images` are the ids of the machine images that exist.
 * Refuses unknown images, types, key pairs, groups, subnets and addresses that are taken.
 */
export function runInstance(state: Ec2State, images: readonly string[], request: InstanceRequest): Instance {
  checkImage(images, request.imageId);
  checkInstanceType(request.type);
  checkUserData(request.userData);
  if (request.keyName !== undefined) findKeyPair(state, request.keyName);
  const subnet = findSubnet(state, request.subnetId);
  if (request.zone !== undefined && request.zone !== subnet.zone) {
    throw invalidParameterValue(
      `The availability zone '${request.zone}' and the zone of the subnet '${subnet.id}' don't match.`,
    );
  }
  const autoPublicIp = request.associatePublicIp ?? subnet.mapPublicIp;
  const instance: Instance = {
    id: newId("i"),
    imageId: request.imageId,
    type: request.type,
    vpcId: subnet.vpcId,
    subnetId: subnet.id,
    privateIp: choosePrivateAddress(state, subnet, request.privateIp),
    mac: newMac(),
    networkInterfaceId: newId("eni"),
    rootVolumeId: newId("vol"),
    autoPublicIp,
    groupIds: chooseGroups(state, subnet.vpcId, subnet.id, request.groupIds),
    state: "pending",
    sourceDestCheck: request.sourceDestCheck ?? true,
    spot: request.spot ?? false,
    tags: request.tags ?? {},
  };
  if (autoPublicIp) instance.publicIp = choosePublicAddress(state);
  if (request.keyName !== undefined) instance.keyName = request.keyName;
  if (request.userData !== undefined) instance.userData = request.userData;
  state.instances[instance.id] = instance;
  return instance;
}

function checkImage(images: readonly string[], id: string): void {
  if (!/^ami-[0-9a-f]{8,17}$/.test(id)) {
    throw new Ec2Error("InvalidAMIID.Malformed", `Invalid id: "${id}" (expecting "ami-...")`);
  }
  if (!images.includes(id)) throw new Ec2Error("InvalidAMIID.NotFound", `The image id '[${id}]' does not exist`);
}

/** Refuses a type that the lab doesn't know, naming those it does. */
export function checkInstanceType(type: string): void {
  if (instanceTypes[type] !== undefined) return;
  throw invalidParameterValue(
    `Invalid value '${type}' for InstanceType. The lab knows ${Object.keys(instanceTypes).join(", ")}.`,
  );
}

/** A locally administered address, as EC2's interfaces have. */
function newMac(): string {
  const bytes = randomBytes(5);
  return ["02", ...[...bytes].map((byte) => byte.toString(16).padStart(2, "0"))].join(":");
}

/** The machine; InvalidInstanceID.NotFound if there is none or it is terminated. */
export function findInstance(state: Ec2State, id: string): Instance {
  const instance = state.instances[id];
  if (instance === undefined || instance.state === "terminated") {
    throw new Ec2Error("InvalidInstanceID.NotFound", `The instance ID '${id}' does not exist`);
  }
  return instance;
}

/** The address by which the internet reaches a machine: its Elastic IP, else its own public address. */
export function publicAddressOf(state: Ec2State, instance: Instance): string | undefined {
  return elasticIpOf(state, instance.id)?.address ?? instance.publicIp;
}

/** Changes a stopped machine's type; IncorrectInstanceState while it runs. */
export function changeInstanceType(state: Ec2State, id: string, type: string): void {
  checkInstanceType(type);
  const instance = findInstance(state, id);
  if (instance.state !== "stopped") {
    throw new Ec2Error("IncorrectInstanceState", `The instance '${id}' is not in the 'stopped' state.`);
  }
  instance.type = type;
}

/** Gives a machine other user data; what has been done with the old stays as it is. */
export function changeUserData(state: Ec2State, id: string, userData: string | undefined): void {
  checkUserData(userData);
  const instance = findInstance(state, id);
  if (userData === undefined) delete instance.userData;
  else instance.userData = userData;
}

function checkUserData(userData = ""): void {
  if (Buffer.byteLength(userData) <= userDataLimit) return;
  throw invalidParameterValue(`User data is limited to ${userDataLimit} bytes`);
}

/** Gives a machine other groups. */
export function changeGroups(state: Ec2State, id: string, groupIds: string[]): void {
  const instance = findInstance(state, id);
  instance.groupIds = chooseGroups(state, instance.vpcId, instance.subnetId, groupIds);
}

/** Marks a machine stopped; it gives up its own public address, and gets another when started, as EC2's. */
export function markStopped(state: Ec2State, id: string): void {
  const instance = findInstance(state, id);
  instance.state = "stopped";
  delete instance.publicIp;
}

/** Marks a machine running. */
export function markRunning(state: Ec2State, id: string): void {
  const instance = findInstance(state, id);
  if (instance.autoPublicIp && publicAddressOf(state, instance) === undefined) {
    instance.publicIp = choosePublicAddress(state);
  }
  instance.state = "running";
}

/** Takes a machine out of the account: its addresses are free again. Nothing happens if it is gone already. */
export function forgetInstance(state: Ec2State, id: string): void {
  const instance = state.instances[id];
  if (instance === undefined) return;
  instance.state = "terminated";
  const associationId = elasticIpOf(state, id)?.associationId;
  if (associationId !== undefined) disassociateAddress(state, associationId);
  delete state.instances[id];
}
