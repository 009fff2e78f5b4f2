import { crc32 } from "node:zlib";

import { Ec2Error } from "../../ec2/model/errors";
import {
  associateRouteTable,
  createRoute,
  createRouteTable,
  deleteRoute,
  deleteRouteTable,
  disassociateRouteTable,
  findAssociation,
  findRouteTable,
  replaceAssociation,
  replaceRoute,
} from "../../ec2/model/route-table";
import { accountId, type Route, type RouteTable, type RouteTableAssociation } from "../../ec2/model/state";
import { arn } from "./account";
import { checkCidr } from "./cidr-check";
import { defineType, text } from "./noun";

/** `aws.ec2.RouteTable` without routes of its own: they are `aws.ec2.Route`s. */
export const routeTableType = defineType<RouteTable>({
  title: "EC2 Route Table",
  calls: { create: "CreateRouteTable", delete: "DeleteRouteTable" },
  inputs: { vpcId: { type: "string", required: true, replace: true } },
  outputs: ["arn", "ownerId", "propagatingVgws", "routes"],
  tagged: true,
  async create(inputs, account) {
    const request = { vpcId: String(inputs.vpcId), tags: { ...(inputs.tagsAll as Record<string, string>) } };
    return (await account.cloud().change((state) => createRouteTable(state, request))).id;
  },
  find: (state, { id }) => findRouteTable(state, id),
  describe: (table, _state, account) => ({
    arn: arn(account, `route-table/${table.id}`),
    vpcId: table.vpcId,
    ownerId: accountId,
    propagatingVgws: [],
    routes: [],
  }),
  observe: (table) => ({ vpcId: table.vpcId }),
  async delete({ id }, account) {
    await account.cloud().change((state) => deleteRouteTable(state, id));
  },
});

/** `aws.ec2.Route` to an internet gateway. */
export const routeType = defineType<Route>({
  title: "Route",
  calls: { create: "CreateRoute", update: "ReplaceRoute", delete: "DeleteRoute" },
  inputs: {
    routeTableId: { type: "string", required: true, replace: true },
    destinationCidrBlock: { type: "string", required: true, replace: true },
    gatewayId: { type: "string", required: true },
  },
  outputs: ["instanceId", "instanceOwnerId", "networkInterfaceId", "origin", "state"],
  tagged: false,
  check: (inputs) => checkCidr(inputs, "destinationCidrBlock"),
  async create(inputs, account) {
    const tableId = String(inputs.routeTableId);
    const destination = String(inputs.destinationCidrBlock);
    const route = { destination, gatewayId: String(inputs.gatewayId) };
    await account.cloud().change((state) => createRoute(state, tableId, route));
    return `r-${tableId}${crc32(destination)}`;
  },
  find: (state, existing) => {
    const { tableId, destination } = routeOf(existing);
    const route = findRouteTable(state, tableId).routes.find((candidate) => candidate.destination === destination);
    if (route !== undefined) return route;
    throw new Ec2Error("InvalidRoute.NotFound", `no route with destination-cidr-block ${destination} in ${tableId}`);
  },
  describe: (route, state) => ({
    destinationCidrBlock: route.destination,
    gatewayId: route.gatewayId,
    instanceId: "",
    instanceOwnerId: "",
    networkInterfaceId: "",
    origin: "CreateRoute",
    state: state.gateways[route.gatewayId]?.vpcId === undefined ? "blackhole" : "active",
  }),
  observe: (route) => ({ destinationCidrBlock: route.destination, gatewayId: route.gatewayId }),
  async update(old, inputs, account) {
    const { tableId, destination } = routeOf(old);
    const route = { destination, gatewayId: String(inputs.gatewayId) };
    await account.cloud().change((state) => replaceRoute(state, tableId, route));
  },
  async delete(existing, account) {
    const { tableId, destination } = routeOf(existing);
    await account.cloud().change((state) => deleteRoute(state, tableId, destination));
  },
});

/** A route has no id in EC2. An imported one is named `<table>_<destination>`. */
function routeOf(existing: { id: string; state: object; inputs: object }): { tableId: string; destination: string } {
  const known = { ...existing.state, ...existing.inputs } as Record<string, unknown>;
  const [tableId = "", destination = ""] = existing.id.split("_");
  return {
    tableId: text(known, "routeTableId") ?? tableId,
    destination: text(known, "destinationCidrBlock") ?? destination,
  };
}

/** `aws.ec2.RouteTableAssociation` of a subnet. */
export const routeTableAssociationType = defineType<{ table: RouteTable; association: RouteTableAssociation }>({
  title: "EC2 Route Table Association",
  calls: {
    create: "AssociateRouteTable",
    update: "ReplaceRouteTableAssociation",
    delete: "DisassociateRouteTable",
  },
  inputs: {
    routeTableId: { type: "string", required: true },
    subnetId: { type: "string", required: true, replace: true },
  },
  outputs: [],
  tagged: false,
  async create(inputs, account) {
    const [tableId, subnetId] = [String(inputs.routeTableId), String(inputs.subnetId)];
    return (await account.cloud().change((state) => associateRouteTable(state, tableId, subnetId))).id;
  },
  find: (state, { id }) => findAssociation(state, id),
  describe: ({ table, association }) => ({ routeTableId: table.id, subnetId: association.subnetId }),
  observe: ({ table, association }) => ({ routeTableId: table.id, subnetId: association.subnetId }),
  async update(old, inputs, account) {
    await account.cloud().change((state) => replaceAssociation(state, old.id, String(inputs.routeTableId)));
  },
  async delete({ id }, account) {
    await account.cloud().change((state) => disassociateRouteTable(state, id));
  },
});
