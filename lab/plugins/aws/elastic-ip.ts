import { Ec2Error } from "../../ec2/model/errors";
import {
  allocateAddress,
  associateAddress,
  disassociateAddress,
  findAddressAssociation,
  findElasticIp,
  releaseAddress,
} from "../../ec2/model/elastic-ip";
import type { Ec2State, ElasticIp } from "../../ec2/model/state";
import type { Properties } from "../server/provider";
import { arn, privateDnsName, publicDnsName } from "./account";
import { defineType, text } from "./noun";

/** `aws.ec2.Eip`, associated with `instance` where one is given. */
export const eipType = defineType<ElasticIp>({
  title: "EC2 EIP",
  calls: { create: "AllocateAddress", update: "AssociateAddress", delete: "ReleaseAddress" },
  inputs: {
    domain: { type: "string", default: "vpc", oneOf: ["vpc"], replace: true },
    instance: { type: "string" },
  },
  outputs: [
    "allocationId",
    "arn",
    "associationId",
    "carrierIp",
    "customerOwnedIp",
    "instance",
    "networkBorderGroup",
    "networkInterface",
    "privateDns",
    "privateIp",
    "ptrRecord",
    "publicDns",
    "publicIp",
    "publicIpv4Pool",
  ],
  tagged: true,
  async create(inputs, account) {
    const elasticIp = await account.cloud().change((state) => {
      const made = allocateAddress(state, { tags: { ...(inputs.tagsAll as Record<string, string>) } });
      moveTo(state, made, text(inputs, "instance"));
      return made;
    });
    return elasticIp.allocationId;
  },
  find: (state, { id }) => findElasticIp(state, id),
  describe: (elasticIp, state, account) => ({
    allocationId: elasticIp.allocationId,
    arn: arn(account, `elastic-ip/${elasticIp.allocationId}`),
    domain: "vpc",
    publicIp: elasticIp.address,
    publicDns: publicDnsName(account, elasticIp.address),
    publicIpv4Pool: "amazon",
    networkBorderGroup: account.region,
    ptrRecord: "",
    carrierIp: "",
    customerOwnedIp: "",
    ...describeAssociation(elasticIp, state, (address) => privateDnsName(account, address)),
  }),
  observe: (elasticIp) => ({ domain: "vpc", instance: elasticIp.instanceId }),
  async update(old, inputs, account) {
    const wanted = text(inputs, "instance");
    // Where the program doesn't say, an association made by an EipAssociation is none of this resource's business.
    if (wanted === undefined && old.inputs.instance === undefined) return;
    await account.cloud().change((state) => moveTo(state, findElasticIp(state, old.id), wanted));
  },
  unknownAfter: (old, inputs) =>
    old.inputs.instance === inputs.instance ? [] : ["associationId", "networkInterface", "privateDns", "privateIp"],
  async delete({ id }, account) {
    await account.cloud().change((state) => {
      moveTo(state, findElasticIp(state, id), undefined);
      releaseAddress(state, id);
    });
  },
});

function moveTo(state: Ec2State, elasticIp: ElasticIp, instanceId: string | undefined): void {
  if (instanceId !== undefined) associateAddress(state, elasticIp.allocationId, instanceId, true);
  else if (elasticIp.associationId !== undefined) disassociateAddress(state, elasticIp.associationId);
}

function describeAssociation(elasticIp: ElasticIp, state: Ec2State, dnsName: (address: string) => string): Properties {
  const instance = state.instances[elasticIp.instanceId ?? ""];
  return {
    associationId: elasticIp.associationId ?? "",
    instance: elasticIp.instanceId ?? "",
    networkInterface: instance?.networkInterfaceId ?? "",
    privateIp: instance?.privateIp ?? "",
    privateDns: instance === undefined ? "" : dnsName(instance.privateIp),
  };
}

/** `aws.ec2.EipAssociation` of an address with a machine. */
export const eipAssociationType = defineType<ElasticIp>({
  title: "EC2 EIP Association",
  calls: { create: "AssociateAddress", delete: "DisassociateAddress" },
  inputs: {
    allocationId: { type: "string", replace: true },
    publicIp: { type: "string", replace: true },
    instanceId: { type: "string", required: true, replace: true },
    allowReassociation: { type: "boolean", replace: true },
  },
  outputs: ["allocationId", "networkInterfaceId", "privateIpAddress", "publicIp"],
  tagged: false,
  check: (inputs) =>
    (inputs.allocationId === undefined) === (inputs.publicIp === undefined)
      ? [{ property: "allocationId", reason: "exactly one of allocationId and publicIp must be given" }]
      : [],
  async create(inputs, account) {
    const elasticIp = await account.cloud().change((state) => {
      const allocationId = text(inputs, "allocationId") ?? allocationOf(state, String(inputs.publicIp));
      // EC2's own default for a VPC is to move an address that is in use.
      return associateAddress(state, allocationId, String(inputs.instanceId), inputs.allowReassociation !== false);
    });
    return elasticIp.associationId ?? "";
  },
  find: (state, { id }) => findAddressAssociation(state, id),
  describe: (elasticIp, state) => {
    const instance = state.instances[elasticIp.instanceId ?? ""];
    return {
      allocationId: elasticIp.allocationId,
      publicIp: elasticIp.address,
      instanceId: elasticIp.instanceId ?? "",
      networkInterfaceId: instance?.networkInterfaceId ?? "",
      privateIpAddress: instance?.privateIp ?? "",
    };
  },
  observe: (elasticIp) => ({ allocationId: elasticIp.allocationId, instanceId: elasticIp.instanceId }),
  async delete({ id }, account) {
    await account.cloud().change((state) => disassociateAddress(state, id));
  },
});

function allocationOf(state: Ec2State, address: string): string {
  const found = Object.values(state.elasticIps).find((candidate) => candidate.address === address);
  if (found !== undefined) return found.allocationId;
  throw new Ec2Error("InvalidAddress.NotFound", `Address '${address}' not found.`);
}
