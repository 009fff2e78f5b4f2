import { canonicalCidr, parseCidr } from "./addresses";
import { Ec2Error, invalidParameterValue } from "./errors";
import { newId, type Direction, type Ec2State, type SecurityGroupRule, type Tags } from "./state";

export interface RuleRequest {
  groupId: string;
  direction: Direction;
  /** "-1", "tcp", "udp", "icmp", or a protocol number. */
  protocol: string;
  fromPort?: number;
  toPort?: number;
  cidrIpv4?: string;
  referencedGroupId?: string;
  description?: string;
  tags?: Tags;
}

/** Rules that a group may have in one direction (EC2's default quota). */
export const rulesPerDirection = 60;

const protocolNumbers: Readonly<Record<string, string>> = { "1": "icmp", "6": "tcp", "17": "udp", all: "-1" };

/** EC2's name for a protocol given by name or number: "6" → "tcp". */
export function canonicalProtocol(protocol: string): string {
  const lower = protocol.toLowerCase();
  return protocolNumbers[lower] ?? lower;
}

/** Adds a rule to a group; InvalidPermission.Duplicate if the group has the same one already. */
export function addRule(state: Ec2State, request: RuleRequest): SecurityGroupRule {
  const rule = checkRule(state, request);
  const siblings = Object.values(state.rules).filter(
    (other) => other.groupId === rule.groupId && other.direction === rule.direction,
  );
  if (siblings.some((other) => samePermission(other, rule))) {
    throw new Ec2Error("InvalidPermission.Duplicate", `the specified rule "${describe(rule)}" already exists`);
  }
  if (siblings.length >= rulesPerDirection) {
    throw new Ec2Error(
      "RulesPerSecurityGroupLimitExceeded",
      "The maximum number of rules per security group has been reached.",
    );
  }
  state.rules[rule.id] = rule;
  return rule;
}

/** Changes what a rule lets through, keeping its id and group. */
export function modifyRule(state: Ec2State, id: string, request: RuleRequest): SecurityGroupRule {
  const old = findRule(state, id);
  const rule = { ...checkRule(state, request), id };
  const twin = Object.values(state.rules).some(
    (other) =>
      other.id !== id &&
      other.groupId === old.groupId &&
      other.direction === old.direction &&
      samePermission(other, rule),
  );
  if (twin) throw new Ec2Error("InvalidPermission.Duplicate", `the specified rule "${describe(rule)}" already exists`);
  state.rules[id] = rule;
  return rule;
}

/** The rule; InvalidSecurityGroupRuleId.NotFound if there is none. */
export function findRule(state: Ec2State, id: string): SecurityGroupRule {
  const rule = state.rules[id];
  if (rule === undefined) {
    throw new Ec2Error("InvalidSecurityGroupRuleId.NotFound", `The security group rule ID '${id}' does not exist`);
  }
  return rule;
}

/** Takes a rule away. Connections that it let in live on until they end, as EC2's tracked ones do. */
export function removeRule(state: Ec2State, id: string): void {
  findRule(state, id);
  delete state.rules[id];
}

function checkRule(state: Ec2State, request: RuleRequest): SecurityGroupRule {
  const group = state.groups[request.groupId];
  if (group === undefined) throw groupNotFound(request.groupId);
  const protocol = canonicalProtocol(request.protocol);
  checkSource(state, request, group.vpcId);
  const rule: SecurityGroupRule = {
    id: newId("sgr"),
    groupId: request.groupId,
    direction: request.direction,
    protocol,
    tags: request.tags ?? {},
  };
  if (request.cidrIpv4 !== undefined) rule.cidrIpv4 = request.cidrIpv4;
  if (request.referencedGroupId !== undefined) rule.referencedGroupId = request.referencedGroupId;
  if (request.description !== undefined) rule.description = request.description;
  return withPorts(rule, request.fromPort, request.toPort);
}

function checkSource(state: Ec2State, request: RuleRequest, vpcId: string): void {
  const { cidrIpv4, referencedGroupId } = request;
  if ((cidrIpv4 === undefined) === (referencedGroupId === undefined)) {
    throw new Ec2Error(
      "InvalidParameterCombination",
      "Exactly one of a CIDR block and a referenced group must be given",
    );
  }
  if (cidrIpv4 !== undefined && parseCidr(cidrIpv4) === undefined) {
    const meant = canonicalCidr(cidrIpv4);
    throw invalidParameterValue(
      `CIDR block ${cidrIpv4} is malformed${meant === undefined ? "" : `; did you mean ${meant}?`}`,
    );
  }
  if (referencedGroupId === undefined) return;
  if (state.groups[referencedGroupId]?.vpcId !== vpcId) throw groupNotFound(referencedGroupId);
}

function groupNotFound(id: string): Ec2Error {
  return new Ec2Error("InvalidGroup.NotFound", `The security group '${id}' does not exist`);
}

function withPorts(rule: SecurityGroupRule, from: number | undefined, to: number | undefined): SecurityGroupRule {
  if (rule.protocol === "-1") return rule;
  if (!["tcp", "udp", "icmp"].includes(rule.protocol)) {
    if (!/^\d{1,3}$/.test(rule.protocol) || Number(rule.protocol) > 255) {
      throw invalidParameterValue(`Invalid value '${rule.protocol}' for IP protocol. Unknown protocol.`);
    }
    return rule;
  }
  if (from === undefined || to === undefined) {
    throw new Ec2Error(
      "MissingParameter",
      `Invalid value 'Must specify both from and to ports with ${rule.protocol.toUpperCase()}'`,
    );
  }
  const lowest = rule.protocol === "icmp" ? -1 : 0;
  const highest = rule.protocol === "icmp" ? 255 : 65535;
  const wrong = [from, to].find((port) => !Number.isInteger(port) || port < lowest || port > highest);
  if (wrong !== undefined)
    throw invalidParameterValue(`Invalid value '${wrong}' for portRange. Must be between ${lowest} and ${highest}`);
  if (rule.protocol !== "icmp" && from > to) {
    throw invalidParameterValue("Invalid TCP/UDP port range (" + `${from}:${to}` + "). The start is beyond the end.");
  }
  return { ...rule, fromPort: from, toPort: to };
}

function samePermission(a: SecurityGroupRule, b: SecurityGroupRule): boolean {
  return (
    a.protocol === b.protocol &&
    a.fromPort === b.fromPort &&
    a.toPort === b.toPort &&
    a.cidrIpv4 === b.cidrIpv4 &&
    a.referencedGroupId === b.referencedGroupId
  );
}

function describe(rule: SecurityGroupRule): string {
  const peer = `peer: ${rule.cidrIpv4 ?? rule.referencedGroupId ?? "?"}`;
  if (rule.protocol === "-1") return `${peer}, ALL, ALLOW`;
  const protocol = rule.protocol.toUpperCase();
  if (rule.fromPort === undefined) return `${peer}, ${protocol}, ALLOW`;
  if (rule.protocol === "icmp") return `${peer}, ICMP, type: ${rule.fromPort}, code: ${rule.toPort ?? -1}, ALLOW`;
  return `${peer}, ${protocol}, from port: ${rule.fromPort}, to port: ${rule.toPort ?? rule.fromPort}, ALLOW`;
}
