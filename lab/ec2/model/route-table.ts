import { canonicalCidr, containsCidr, parseCidr } from "./addresses";
import { Ec2Error, dependencyViolation, invalidParameterValue } from "./errors";
import {
  newId,
  type Ec2State,
  type Route,
  type RouteTable,
  type RouteTableAssociation,
  type Subnet,
  type Tags,
} from "./state";
import { findSubnet } from "./subnet";
import { findVpc } from "./vpc";

/** Creates a route table that holds nothing but the VPC's own route. */
export function createRouteTable(state: Ec2State, request: { vpcId: string; tags?: Tags }): RouteTable {
  findVpc(state, request.vpcId);
  const table: RouteTable = {
    id: newId("rtb"),
    vpcId: request.vpcId,
    main: false,
    routes: [],
    associations: [],
    tags: request.tags ?? {},
  };
  state.routeTables[table.id] = table;
  return table;
}

/** The table; InvalidRouteTableID.NotFound if there is none. */
export function findRouteTable(state: Ec2State, id: string): RouteTable {
  const table = state.routeTables[id];
  if (table === undefined) {
    throw new Ec2Error("InvalidRouteTableID.NotFound", `The routeTable ID '${id}' does not exist`);
  }
  return table;
}

/** Deletes a table; DependencyViolation while it is the main one or a subnet uses it. */
export function deleteRouteTable(state: Ec2State, id: string): void {
  const table = findRouteTable(state, id);
  if (table.main || table.associations.length > 0) {
    throw dependencyViolation(`The routeTable '${id}' has dependencies and cannot be deleted.`);
  }
  delete state.routeTables[id];
}

/** Adds a route to an internet gateway of the same VPC (RouteAlreadyExists, InvalidGatewayID.NotFound). */
export function createRoute(state: Ec2State, tableId: string, route: Route): Route {
  const table = findRouteTable(state, tableId);
  checkDestination(state, table, route.destination);
  if (table.routes.some((other) => other.destination === route.destination)) {
    throw new Ec2Error("RouteAlreadyExists", `The route identified by ${route.destination} already exists.`);
  }
  checkTarget(state, table, route.gatewayId);
  table.routes.push({ ...route });
  return route;
}

function checkDestination(state: Ec2State, table: RouteTable, destination: string): void {
  const block = parseCidr(destination);
  if (block === undefined) {
    const meant = canonicalCidr(destination);
    throw invalidParameterValue(
      `Value (${destination}) for parameter destinationCidrBlock is invalid. This is not a valid CIDR block.` +
        (meant === undefined ? "" : ` Did you mean ${meant}?`),
    );
  }
  const local = parseCidr(findVpc(state, table.vpcId).cidr);
  if (local !== undefined && block.prefix === local.prefix && block.first === local.first) {
    throw new Ec2Error("RouteAlreadyExists", `The route identified by ${destination} already exists.`);
  }
  if (local !== undefined && containsCidr(local, block)) {
    throw invalidParameterValue(
      `The destination CIDR block ${destination} is equal to or more specific than one of this VPC's CIDR blocks. ` +
        `This route can target only an interface or an instance.`,
    );
  }
}

function checkTarget(state: Ec2State, table: RouteTable, gatewayId: string): void {
  const gateway = state.gateways[gatewayId];
  if (gateway === undefined) {
    throw new Ec2Error("InvalidGatewayID.NotFound", `The gateway ID '${gatewayId}' does not exist`);
  }
  if (gateway.vpcId !== table.vpcId) {
    throw invalidParameterValue(
      `route table ${table.id} and network gateway ${gatewayId} belong to different networks`,
    );
  }
}

/** Points an existing route at another gateway; InvalidParameterValue if there is none to replace. */
export function replaceRoute(state: Ec2State, tableId: string, route: Route): Route {
  const table = findRouteTable(state, tableId);
  const existing = table.routes.find((other) => other.destination === route.destination);
  if (existing === undefined) {
    throw invalidParameterValue(
      `There is no route defined for '${route.destination}' in the route table. Use CreateRoute instead.`,
    );
  }
  checkTarget(state, table, route.gatewayId);
  existing.gatewayId = route.gatewayId;
  return existing;
}

/** Removes a route; InvalidRoute.NotFound if the table has none for the destination. */
export function deleteRoute(state: Ec2State, tableId: string, destination: string): void {
  const table = findRouteTable(state, tableId);
  const rest = table.routes.filter((route) => route.destination !== destination);
  if (rest.length === table.routes.length) {
    throw new Ec2Error(
      "InvalidRoute.NotFound",
      `no route with destination-cidr-block ${destination} in route table ${tableId}`,
    );
  }
  table.routes = rest;
}

/** Makes a subnet use a table of its VPC; Resource.AlreadyAssociated if it has one already. */
export function associateRouteTable(state: Ec2State, tableId: string, subnetId: string): RouteTableAssociation {
  const table = findRouteTable(state, tableId);
  const subnet = findSubnet(state, subnetId);
  if (subnet.vpcId !== table.vpcId) {
    throw invalidParameterValue(`Route table ${tableId} and subnet ${subnetId} belong to different networks`);
  }
  const taken = Object.values(state.routeTables).some((other) =>
    other.associations.some((association) => association.subnetId === subnetId),
  );
  if (taken) {
    throw new Ec2Error(
      "Resource.AlreadyAssociated",
      `the specified association for route table ${tableId} conflicts with an existing association`,
    );
  }
  const association = { id: newId("rtbassoc"), subnetId };
  table.associations.push(association);
  return association;
}

/** The association and its table; InvalidAssociationID.NotFound if there is none. */
export function findAssociation(
  state: Ec2State,
  id: string,
): { table: RouteTable; association: RouteTableAssociation } {
  for (const table of Object.values(state.routeTables)) {
    const association = table.associations.find((candidate) => candidate.id === id);
    if (association !== undefined) return { table, association };
  }
  throw new Ec2Error("InvalidAssociationID.NotFound", `The association ID '${id}' does not exist`);
}

/** Gives the subnet back to the main table. */
export function disassociateRouteTable(state: Ec2State, id: string): void {
  const { table } = findAssociation(state, id);
  table.associations = table.associations.filter((association) => association.id !== id);
}

/** Moves the association's subnet to another table; EC2 gives the association a new id. */
export function replaceAssociation(state: Ec2State, id: string, tableId: string): RouteTableAssociation {
  const { association } = findAssociation(state, id);
  findRouteTable(state, tableId);
  disassociateRouteTable(state, id);
  return associateRouteTable(state, tableId, association.subnetId);
}

/** The table that decides for a subnet: its own, or the VPC's main one. */
export function tableOf(state: Ec2State, subnet: Subnet): RouteTable {
  const own = Object.values(state.routeTables).find((table) =>
    table.associations.some((association) => association.subnetId === subnet.id),
  );
  return own ?? findRouteTable(state, findVpc(state, subnet.vpcId).mainRouteTableId);
}
