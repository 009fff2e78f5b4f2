import { runInstance } from "../../lab/ec2/model/instance";
import { attachGateway, createGateway } from "../../lab/ec2/model/internet-gateway";
import { associateRouteTable, createRoute, createRouteTable } from "../../lab/ec2/model/route-table";
import { createGroup } from "../../lab/ec2/model/security-group";
import { emptyState, type Ec2State, type Instance } from "../../lab/ec2/model/state";
import { createSubnet } from "../../lab/ec2/model/subnet";
import { createVpc } from "../../lab/ec2/model/vpc";

export const image = "ami-0123456789abcdef0";

/** An account with a VPC, a gateway, a public subnet with its routes, and a group: what most tests begin with. */
export function makeAccount() {
  const state = emptyState();
  const vpc = createVpc(state, { cidr: "10.0.0.0/16" });
  const gateway = createGateway(state, {});
  attachGateway(state, gateway.id, vpc.id);
  const subnet = createSubnet(state, { vpcId: vpc.id, cidr: "10.0.1.0/24", region: "ap-northeast-2" });
  const table = createRouteTable(state, { vpcId: vpc.id });
  createRoute(state, table.id, { destination: "0.0.0.0/0", gatewayId: gateway.id });
  const association = associateRouteTable(state, table.id, subnet.id);
  const group = createGroup(state, { vpcId: vpc.id, name: "nodes", description: "all nodes" });
  return { state, vpc, gateway, subnet, table, association, group };
}

/** A machine that runs in the account's subnet. */
export function launch(
  state: Ec2State,
  subnetId: string,
  request: { privateIp?: string; groupIds?: string[]; associatePublicIp?: boolean; type?: string } = {},
): Instance {
  const instance = runInstance(state, [image], { imageId: image, type: "t3.medium", subnetId, ...request });
  instance.state = "running";
  return instance;
}

/** EC2's code for what a request was refused with; undefined if it wasn't. */
export function refusal(request: () => unknown): string | undefined {
  try {
    request();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}
