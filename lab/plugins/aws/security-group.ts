import { randomBytes } from "node:crypto";

import { createGroup, deleteGroup, findGroup } from "../../ec2/model/security-group";
import { addRule, findRule, modifyRule, removeRule, type RuleRequest } from "../../ec2/model/security-group-rule";
import {
  accountId,
  type Direction,
  type Ec2State,
  type SecurityGroup,
  type SecurityGroupRule,
} from "../../ec2/model/state";
import type { Failure, Properties } from "../server/provider";
import { arn } from "./account";
import { checkCidr } from "./cidr-check";
import { autoName, defineType, text } from "./noun";

/** `aws.ec2.SecurityGroup` without inline rules. Like the AWS provider it takes away EC2's rule that lets everything out. */
export const securityGroupType = defineType<SecurityGroup>({
  title: "Security Group",
  calls: { create: "CreateSecurityGroup", delete: "DeleteSecurityGroup" },
  inputs: {
    vpcId: { type: "string", required: true, replace: true },
    name: { type: "string", replace: true, max: 255 },
    namePrefix: { type: "string", replace: true, max: 100 },
    description: { type: "string", default: "Managed by Pulumi", replace: true, min: 1, max: 255 },
    revokeRulesOnDelete: { type: "boolean", default: false },
  },
  outputs: ["arn", "egress", "ingress", "name", "namePrefix", "ownerId"],
  tagged: true,
  check(inputs, olds, ctx) {
    if (inputs.name !== undefined && inputs.namePrefix !== undefined) {
      return [{ property: "namePrefix", reason: "conflicts with name: give one of them" }];
    }
    if (inputs.namePrefix === undefined) inputs.name ??= autoName(ctx, olds, "name", randomBytes(4).toString("hex"));
    return [];
  },
  async create(inputs, account) {
    const group = await account.cloud().change((state) => {
      const made = createGroup(state, {
        vpcId: String(inputs.vpcId),
        name: text(inputs, "name") ?? `${String(inputs.namePrefix)}${randomBytes(13).toString("hex")}`,
        description: String(inputs.description),
        tags: { ...(inputs.tagsAll as Record<string, string>) },
      });
      removeRules(state, made.id);
      return made;
    });
    return group.id;
  },
  find: (state, { id }) => findGroup(state, id),
  describe: (group, _state, account, known) => ({
    arn: arn(account, `security-group/${group.id}`),
    name: group.name,
    namePrefix: text(known, "namePrefix") ?? "",
    description: group.description,
    vpcId: group.vpcId,
    ownerId: accountId,
    // Inline rules; there are none, and rules that are resources of their own don't show here.
    ingress: [],
    egress: [],
  }),
  observe: (group) => ({ name: group.name, description: group.description, vpcId: group.vpcId }),
  async delete({ id, inputs }, account) {
    await account.cloud().change((state) => {
      if (inputs.revokeRulesOnDelete === true) removeRules(state, id);
      deleteGroup(state, id);
    });
  },
});

function removeRules(state: Ec2State, groupId: string): void {
  for (const rule of Object.values(state.rules)) if (rule.groupId === groupId) removeRule(state, rule.id);
}

/** `aws.vpc.SecurityGroupIngressRule` and `aws.vpc.SecurityGroupEgressRule`. */
export function securityGroupRuleType(direction: Direction) {
  const authorize = direction === "ingress" ? "AuthorizeSecurityGroupIngress" : "AuthorizeSecurityGroupEgress";
  const revoke = direction === "ingress" ? "RevokeSecurityGroupIngress" : "RevokeSecurityGroupEgress";
  return defineType<SecurityGroupRule>({
    title: `VPC Security Group ${direction === "ingress" ? "Ingress" : "Egress"} Rule`,
    calls: { create: authorize, update: "ModifySecurityGroupRules", delete: revoke },
    inputs: {
      securityGroupId: { type: "string", required: true, replace: true },
      ipProtocol: { type: "string", required: true },
      fromPort: { type: "integer", min: -1, max: 65535 },
      toPort: { type: "integer", min: -1, max: 65535 },
      cidrIpv4: { type: "string" },
      referencedSecurityGroupId: { type: "string" },
      description: { type: "string", max: 255 },
    },
    outputs: ["arn", "securityGroupRuleId"],
    tagged: true,
    check: checkPeer,
    async create(inputs, account) {
      const request = ruleRequest(direction, inputs);
      return (await account.cloud().change((state) => addRule(state, request))).id;
    },
    find: (state, { id }) => findRule(state, id),
    describe: (rule, _state, account) => ({
      arn: arn(account, `security-group-rule/${rule.id}`),
      securityGroupRuleId: rule.id,
      ...observeRule(rule),
    }),
    observe: observeRule,
    async update(old, inputs, account) {
      const request = ruleRequest(direction, inputs);
      await account.cloud().change((state) => modifyRule(state, old.id, request));
    },
    async delete({ id }, account) {
      await account.cloud().change((state) => removeRule(state, id));
    },
  });
}

function checkPeer(inputs: Properties): Failure[] {
  const given = ["cidrIpv4", "referencedSecurityGroupId"].filter((key) => inputs[key] !== undefined);
  if (given.length === 1) return checkCidr(inputs, "cidrIpv4");
  return [{ property: "", reason: "exactly one of cidrIpv4 and referencedSecurityGroupId must be given" }];
}

function ruleRequest(direction: Direction, inputs: Properties): RuleRequest {
  const optional = {
    fromPort: inputs.fromPort as number | undefined,
    toPort: inputs.toPort as number | undefined,
    cidrIpv4: text(inputs, "cidrIpv4"),
    referencedGroupId: text(inputs, "referencedSecurityGroupId"),
    description: text(inputs, "description"),
  };
  const given = Object.entries(optional).filter(([, value]) => value !== undefined);
  return {
    groupId: String(inputs.securityGroupId),
    direction,
    protocol: String(inputs.ipProtocol),
    tags: { ...(inputs.tagsAll as Record<string, string>) },
    ...Object.fromEntries(given),
  };
}

function observeRule(rule: SecurityGroupRule): Properties {
  const all = {
    securityGroupId: rule.groupId,
    ipProtocol: rule.protocol,
    fromPort: rule.fromPort,
    toPort: rule.toPort,
    cidrIpv4: rule.cidrIpv4,
    referencedSecurityGroupId: rule.referencedGroupId,
    description: rule.description,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
