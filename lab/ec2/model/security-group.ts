import { Ec2Error, dependencyViolation, invalidParameterValue } from "./errors";
import { addRule } from "./security-group-rule";
import { newId, type Ec2State, type SecurityGroup, type Tags } from "./state";
import { findVpc } from "./vpc";

export interface GroupRequest {
  vpcId: string;
  name: string;
  description: string;
  tags?: Tags;
}

/** What EC2 takes as a group's name or description. */
const allowedText = /^[a-zA-Z0-9. _\-:/()#,@[\]+=&;{}!$*]{1,255}$/;

/** Creates a group that lets everything out and nothing in, as EC2 does; InvalidGroup.Duplicate for a name in use. */
export function createGroup(state: Ec2State, request: GroupRequest): SecurityGroup {
  findVpc(state, request.vpcId);
  checkText("groupName", request.name);
  checkText("groupDescription", request.description);
  if (request.name.startsWith("sg-")) {
    throw invalidParameterValue(`invalid value for parameter groupName: ${request.name}. It may not start with 'sg-'.`);
  }
  if (Object.values(state.groups).some((group) => group.vpcId === request.vpcId && group.name === request.name)) {
    throw new Ec2Error(
      "InvalidGroup.Duplicate",
      `The security group '${request.name}' already exists for VPC '${request.vpcId}'`,
    );
  }
  const group: SecurityGroup = {
    id: newId("sg"),
    vpcId: request.vpcId,
    name: request.name,
    description: request.description,
    tags: request.tags ?? {},
  };
  state.groups[group.id] = group;
  addRule(state, { groupId: group.id, direction: "egress", protocol: "-1", cidrIpv4: "0.0.0.0/0" });
  return group;
}

function checkText(parameter: string, text: string): void {
  if (allowedText.test(text)) return;
  throw invalidParameterValue(
    `Value (${text}) for parameter ${parameter} is invalid. 1 to 255 characters of a-z, A-Z, 0-9, spaces, and ` +
      `._-:/()#,@[]+=&;{}!$* are allowed.`,
  );
}

/** The group; InvalidGroup.NotFound if there is none. */
export function findGroup(state: Ec2State, id: string): SecurityGroup {
  const group = state.groups[id];
  if (group === undefined) throw new Ec2Error("InvalidGroup.NotFound", `The security group '${id}' does not exist`);
  return group;
}

/** Deletes a group; DependencyViolation while a machine has it or another group's rule names it. */
export function deleteGroup(state: Ec2State, id: string): void {
  const group = findGroup(state, id);
  if (findVpc(state, group.vpcId).defaultGroupId === id) {
    throw new Ec2Error("CannotDelete", `the specified group: "${id}" name: "default" cannot be deleted by a user`);
  }
  const worn = Object.values(state.instances).some(
    (instance) => instance.state !== "terminated" && instance.groupIds.includes(id),
  );
  const named = Object.values(state.rules).some((rule) => rule.referencedGroupId === id && rule.groupId !== id);
  if (worn || named) throw dependencyViolation(`resource ${id} has a dependent object`);
  for (const rule of Object.values(state.rules)) if (rule.groupId === id) delete state.rules[rule.id];
  delete state.groups[id];
}

/** Groups that a machine's interface may have (EC2's default quota). */
export const groupsPerInterface = 5;

/** The groups for a machine in a VPC: those asked for, or the VPC's default group. */
export function chooseGroups(state: Ec2State, vpcId: string, subnetId: string, wanted?: string[]): string[] {
  if (wanted === undefined || wanted.length === 0) return [findVpc(state, vpcId).defaultGroupId];
  for (const id of wanted) {
    if (findGroup(state, id).vpcId !== vpcId) {
      throw new Ec2Error(
        "InvalidParameter",
        `Security group ${id} and subnet ${subnetId} belong to different networks.`,
      );
    }
  }
  const groups = [...new Set(wanted)];
  if (groups.length > groupsPerInterface) {
    throw new Ec2Error(
      "SecurityGroupsPerInterfaceLimitExceeded",
      "The maximum number of security groups per interface has been reached.",
    );
  }
  return groups;
}
