import { namespaceKind } from "../../../lab/ec2/network/names";
import { routerRuleset } from "../../../lab/ec2/network/ruleset";
import { deleteRoute } from "../../../lab/ec2/model/route-table";
import { addRule, removeRule } from "../../../lab/ec2/model/security-group-rule";
import type { Ec2State } from "../../../lab/ec2/model/state";
import { launch, makeAccount } from "../lab-ec2-account";

/** Ids are random: they are numbered in the order in which they first come. */
function numbered(text: string): string {
  const known = new Map<string, string>();
  const number = (id: string, kind: string) => {
    if (!known.has(id)) known.set(id, `${kind}-${[...known.values()].filter((name) => name.startsWith(kind)).length}`);
    return known.get(id) ?? id;
  };
  return text
    .replace(/\b(sg|sgr|subnet)-[0-9a-f]{17}/g, (id, kind: string) => number(id, kind))
    .replace(/\bi-?([0-9a-f]{13})(?:[0-9a-f]{4})?\b/g, (_id, hex: string) => number(hex, "machine"));
}

function makeMachines() {
  const account = makeAccount();
  const { state, subnet, group } = account;
  const source = { groupId: group.id, direction: "ingress" as const };
  const ssh = addRule(state, { ...source, protocol: "tcp", fromPort: 22, toPort: 22, cidrIpv4: "198.51.100.10/32" });
  const ports = { protocol: "tcp", fromPort: 30000, toPort: 32767 };
  addRule(state, { ...source, ...ports, cidrIpv4: "0.0.0.0/0" });
  const self = addRule(state, { ...source, protocol: "-1", referencedGroupId: group.id });
  addRule(state, { ...source, protocol: "icmp", fromPort: 8, toPort: -1, cidrIpv4: "0.0.0.0/0" });
  const machine = launch(state, subnet.id, { groupIds: [group.id], associatePublicIp: true });
  return { ...account, ssh, self, machine };
}

/** Members of a group's set, as the text lists them. */
function members(state: Ec2State, vpcId: string, groupId: string): string | undefined {
  const vpc = state.vpcs[vpcId];
  if (vpc === undefined) throw new Error("no such VPC");
  return new RegExp(`set ${groupId} \\{\\n    type ipv4_addr\\n(?:    elements = \\{ (.*) \\})?`).exec(
    routerRuleset(state, vpc),
  )?.[1];
}

test("a VPC's packet filter", () => {
  const { state, vpc } = makeMachines();
  expect(numbered(routerRuleset(state, vpc))).toMatchSnapshot();
});

test("a group's members follow machines coming and going", () => {
  const { state, vpc, subnet, group } = makeMachines();
  expect(members(state, vpc.id, group.id)).toBe("10.0.1.4");
  const second = launch(state, subnet.id, { groupIds: [group.id] });
  expect(members(state, vpc.id, group.id)?.split(", ").sort()).toEqual(["10.0.1.4", "10.0.1.5"]);
  second.groupIds = [vpc.defaultGroupId];
  expect(members(state, vpc.id, group.id)).toBe("10.0.1.4");
  second.state = "terminated";
  expect(members(state, vpc.id, vpc.defaultGroupId)).toBeUndefined();
});

test("a rule that goes is not there any more", () => {
  const { state, vpc, self } = makeMachines();
  expect(routerRuleset(state, vpc)).toContain(self.id);
  removeRule(state, self.id);
  expect(routerRuleset(state, vpc)).not.toContain(self.id);
});

test("without a route nothing leaves to the internet", () => {
  const { state, vpc, table, subnet } = makeMachines();
  deleteRoute(state, table.id, "0.0.0.0/0");
  expect(routerRuleset(state, vpc)).toContain(`chain routes-${subnet.id} {\n    drop\n  }`);
});

test("namespaces of labs with similar names are told apart", () => {
  const id = "i-0123456789abcdef0";
  expect(namespaceKind("a", "daybreak-a")).toBe("internet");
  expect(namespaceKind("a", `daybreak-a-${id}`)).toBe("machine");
  expect(namespaceKind("a", "daybreak-a-vpc-0123456789abcdef0")).toBe("router");
  expect(namespaceKind("a", "daybreak-a-b")).toBeUndefined();
  expect(namespaceKind("a", `daybreak-a-b-${id}`)).toBeUndefined();
});
