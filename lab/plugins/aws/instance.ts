import { instanceTypes } from "../../ec2/model/instance-types";
import { changeGroups, findInstance, publicAddressOf, type InstanceRequest } from "../../ec2/model/instance";
import type { Ec2State, Instance } from "../../ec2/model/state";
import { findVpc } from "../../ec2/model/vpc";
import type { Difference, Existing, Failure, Properties } from "../server/provider";
import { arn, privateDnsName, publicDnsName, type Account } from "./account";
import { blockDevice, creditSpecification, instanceInputs, metadataOptions } from "./instance-inputs";
import { defineType, text } from "./noun";

/** `aws.ec2.Instance`: a machine of the lab. It runs when the create ends, and answers about two seconds later. */
export const instanceType = defineType<Instance>({
  title: "EC2 Instance",
  calls: { create: "RunInstances", update: "ModifyInstanceAttribute", delete: "TerminateInstances" },
  inputs: instanceInputs,
  outputs: [
    "arn",
    "associatePublicIpAddress",
    "availabilityZone",
    "capacityReservationSpecification",
    "cpuOptions",
    "disableApiStop",
    "disableApiTermination",
    "ebsBlockDevices",
    "ebsOptimized",
    "enclaveOptions",
    "ephemeralBlockDevices",
    "hostId",
    "iamInstanceProfile",
    "instanceInitiatedShutdownBehavior",
    "instanceLifecycle",
    "instanceMarketOptions",
    "instanceState",
    "ipv6AddressCount",
    "ipv6Addresses",
    "keyName",
    "maintenanceOptions",
    "metadataOptions",
    "monitoring",
    "networkInterfaces",
    "outpostArn",
    "passwordData",
    "placementGroup",
    "primaryNetworkInterface",
    "primaryNetworkInterfaceId",
    "privateDns",
    "privateDnsNameOptions",
    "privateIp",
    "publicDns",
    "publicIp",
    "rootBlockDevice",
    "secondaryPrivateIps",
    "securityGroups",
    "spotInstanceRequestId",
    "tenancy",
    "userDataBase64",
    "vpcSecurityGroupIds",
  ],
  tagged: true,
  check: checkInstance,
  diff: diffInstance,
  async create(inputs, account, ctx) {
    return (await account.cloud().launch(instanceRequest(inputs), ctx.signal)).id;
  },
  find: (state, { id }) => findInstance(state, id),
  describe: describeInstance,
  observe: (instance, state) => ({
    // Upstream's provider tells an Elastic IP from an address of the machine's own as little.
    associatePublicIpAddress: publicAddressOf(state, instance) !== undefined,
    ami: instance.imageId,
    instanceType: instance.type,
    subnetId: instance.subnetId,
    privateIp: instance.privateIp,
    keyName: instance.keyName,
    vpcSecurityGroupIds: [...instance.groupIds].sort(),
    sourceDestCheck: instance.sourceDestCheck,
  }),
  update: updateInstance,
  unknownAfter: (old, inputs) =>
    old.inputs.instanceType === inputs.instanceType || old.state.associatePublicIpAddress !== true
      ? []
      : ["publicIp", "publicDns"],
  async delete({ id }, account) {
    await account.cloud().terminate(id);
  },
});

function checkInstance(inputs: Properties): Failure[] {
  const failures: Failure[] = [];
  if (inputs.userData !== undefined && inputs.userDataBase64 !== undefined) {
    failures.push({ property: "userDataBase64", reason: "conflicts with userData: give one of them" });
  }
  const type = typeof inputs.instanceType === "string" ? instanceTypes[inputs.instanceType] : undefined;
  if (inputs.creditSpecification !== undefined && type?.burstable === false) {
    const reason = `${String(inputs.instanceType)} is not burstable and has no CPU credits`;
    failures.push({ property: "creditSpecification", reason });
  }
  // EC2 has groups in no order.
  const groups = inputs.vpcSecurityGroupIds;
  if (Array.isArray(groups) && groups.every((id) => typeof id === "string")) {
    inputs.vpcSecurityGroupIds = [...groups].sort();
  }
  return failures;
}

/** User data needs a new machine only if the program says so; of the root disk, only encryption can't be changed. */
function diffInstance(found: Required<Difference>, old: Existing<Properties>, news: Properties): Difference {
  const { changes, updates } = found;
  const userData = updates.filter((key) => key === "userData" || key === "userDataBase64");
  const replaces = [...found.replaces, ...(news.userDataReplaceOnChange === true ? userData : [])];
  const encrypted = (inputs: Properties) =>
    (inputs.rootBlockDevice as { encrypted?: boolean } | undefined)?.encrypted ?? false;
  if (updates.includes("rootBlockDevice") && encrypted(old.inputs) !== encrypted(news))
    replaces.push("rootBlockDevice");
  return { changes, updates, replaces };
}

function userDataOf(inputs: Properties): string | undefined {
  const encoded = text(inputs, "userDataBase64");
  return encoded === undefined ? text(inputs, "userData") : Buffer.from(encoded, "base64").toString();
}

function instanceRequest(inputs: Properties): InstanceRequest {
  const optional = {
    privateIp: text(inputs, "privateIp"),
    associatePublicIp: inputs.associatePublicIpAddress as boolean | undefined,
    keyName: text(inputs, "keyName"),
    groupIds: inputs.vpcSecurityGroupIds as string[] | undefined,
    userData: userDataOf(inputs),
    zone: text(inputs, "availabilityZone"),
  };
  return {
    imageId: String(inputs.ami),
    type: String(inputs.instanceType),
    subnetId: String(inputs.subnetId),
    sourceDestCheck: inputs.sourceDestCheck !== false,
    spot: isSpot(inputs),
    tags: { ...(inputs.tagsAll as Record<string, string>) },
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  };
}

function isSpot(inputs: Properties): boolean {
  return (inputs.instanceMarketOptions as { marketType?: string } | undefined)?.marketType === "spot";
}

async function updateInstance(old: Existing<Properties>, inputs: Properties, account: Account): Promise<void> {
  const cloud = account.cloud();
  const instance = findInstance(cloud.read(), old.id);
  await cloud.change((state) => {
    if (inputs.vpcSecurityGroupIds !== undefined) changeGroups(state, old.id, inputs.vpcSecurityGroupIds as string[]);
    findInstance(state, old.id).sourceDestCheck = inputs.sourceDestCheck !== false;
  });
  // New user data is there after a restart, but cloud-init doesn't act on it again: as on EC2.
  const userData = userDataOf(inputs);
  const typeChanges = instance.type !== inputs.instanceType;
  if (!typeChanges && userDataOf(old.inputs) === userData) return;
  await cloud.resize(old.id, String(inputs.instanceType), userData);
}

function describeInstance(instance: Instance, state: Ec2State, account: Account, known: Properties): Properties {
  const subnet = state.subnets[instance.subnetId];
  return {
    ...describeNetwork(instance, state, account),
    ...describeFixed(),
    ami: instance.imageId,
    arn: arn(account, `instance/${instance.id}`),
    availabilityZone: subnet?.zone ?? "",
    instanceState: account.cloud().isAlive(instance.id) || instance.state !== "running" ? instance.state : "stopped",
    instanceType: instance.type,
    keyName: instance.keyName ?? "",
    rootBlockDevice: blockDevice(known.rootBlockDevice, instance.rootVolumeId),
    metadataOptions: metadataOptions(known.metadataOptions),
    ...(instanceTypes[instance.type]?.burstable === true
      ? { creditSpecification: creditSpecification(known.creditSpecification) }
      : {}),
    instanceLifecycle: instance.spot ? "spot" : "",
    spotInstanceRequestId: instance.spot ? instance.id.replace(/^i-/, "sir-") : "",
    instanceMarketOptions: known.instanceMarketOptions ?? {},
    ebsOptimized: known.ebsOptimized ?? false,
    monitoring: known.monitoring ?? false,
    instanceInitiatedShutdownBehavior: known.instanceInitiatedShutdownBehavior ?? "stop",
    userDataBase64: known.userDataBase64 ?? "",
  };
}

function describeNetwork(instance: Instance, state: Ec2State, account: Account): Properties {
  const publicIp = publicAddressOf(state, instance) ?? "";
  const named = state.vpcs[instance.vpcId] !== undefined && findVpc(state, instance.vpcId).dnsHostnames;
  return {
    associatePublicIpAddress: publicIp !== "",
    privateIp: instance.privateIp,
    privateDns: privateDnsName(account, instance.privateIp),
    publicIp,
    publicDns: named ? publicDnsName(account, publicIp) : "",
    subnetId: instance.subnetId,
    primaryNetworkInterfaceId: instance.networkInterfaceId,
    primaryNetworkInterface: { networkInterfaceId: instance.networkInterfaceId, deleteOnTermination: true },
    sourceDestCheck: instance.sourceDestCheck,
    vpcSecurityGroupIds: [...instance.groupIds].sort(),
    privateDnsNameOptions: {
      hostnameType: "ip-name",
      enableResourceNameDnsARecord: false,
      enableResourceNameDnsAaaaRecord: false,
    },
  };
}

/** What no machine of the lab has. */
function describeFixed(): Properties {
  return {
    capacityReservationSpecification: { capacityReservationPreference: "open" },
    cpuOptions: {},
    disableApiStop: false,
    disableApiTermination: false,
    ebsBlockDevices: [],
    enclaveOptions: { enabled: false },
    ephemeralBlockDevices: [],
    hostId: "",
    iamInstanceProfile: "",
    ipv6AddressCount: 0,
    ipv6Addresses: [],
    maintenanceOptions: { autoRecovery: "default" },
    networkInterfaces: [],
    outpostArn: "",
    passwordData: "",
    placementGroup: "",
    secondaryPrivateIps: [],
    securityGroups: [],
    tenancy: "default",
  };
}
