import { Ec2Error, dependencyViolation, invalidParameterValue } from "./errors";
import { newId, type Ec2State, type InternetGateway, type Tags } from "./state";
import { findVpc } from "./vpc";

/** Creates an internet gateway that is not attached to anything yet. */
export function createGateway(state: Ec2State, request: { tags?: Tags }): InternetGateway {
  const gateway: InternetGateway = { id: newId("igw"), tags: request.tags ?? {} };
  state.gateways[gateway.id] = gateway;
  return gateway;
}

/** The gateway; InvalidInternetGatewayID.NotFound if there is none. */
export function findGateway(state: Ec2State, id: string): InternetGateway {
  const gateway = state.gateways[id];
  if (gateway === undefined) {
    throw new Ec2Error("InvalidInternetGatewayID.NotFound", `The internetGateway ID '${id}' does not exist`);
  }
  return gateway;
}

/** The gateway attached to a VPC, if any. */
export function gatewayOf(state: Ec2State, vpcId: string): InternetGateway | undefined {
  return Object.values(state.gateways).find((gateway) => gateway.vpcId === vpcId);
}

/** Attaches a gateway to a VPC: one gateway a VPC, one VPC a gateway. */
export function attachGateway(state: Ec2State, id: string, vpcId: string): void {
  const gateway = findGateway(state, id);
  findVpc(state, vpcId);
  if (gateway.vpcId !== undefined) {
    throw new Ec2Error("Resource.AlreadyAssociated", `resource ${id} is already attached to network ${gateway.vpcId}`);
  }
  if (gatewayOf(state, vpcId) !== undefined) {
    throw invalidParameterValue(`Network ${vpcId} already has an internet gateway attached`);
  }
  gateway.vpcId = vpcId;
}

/** Detaches a gateway; DependencyViolation while a machine of the VPC has a public address. */
export function detachGateway(state: Ec2State, id: string, vpcId: string): void {
  const gateway = findGateway(state, id);
  if (gateway.vpcId !== vpcId) {
    throw new Ec2Error("Gateway.NotAttached", `resource ${id} is not attached to network ${vpcId}`);
  }
  if (hasPublicAddress(state, vpcId)) {
    throw dependencyViolation(
      `Network ${vpcId} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.`,
    );
  }
  delete gateway.vpcId;
}

function hasPublicAddress(state: Ec2State, vpcId: string): boolean {
  return Object.values(state.instances).some(
    (instance) =>
      instance.vpcId === vpcId &&
      instance.state !== "terminated" &&
      (instance.publicIp !== undefined ||
        Object.values(state.elasticIps).some((address) => address.instanceId === instance.id)),
  );
}

/** Deletes a detached gateway; DependencyViolation while it is attached. */
export function deleteGateway(state: Ec2State, id: string): void {
  const gateway = findGateway(state, id);
  if (gateway.vpcId !== undefined) {
    throw dependencyViolation(`The internetGateway '${id}' has dependencies and cannot be deleted.`);
  }
  delete state.gateways[id];
}
