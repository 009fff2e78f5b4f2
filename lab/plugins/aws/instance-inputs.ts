import type { PropertySchema } from "../server/schema";

/** What the lab takes of `aws.ec2.Instance`. Disk, credits and metadata options are kept and shown; the lab has no part that they'd change. */
export const instanceInputs: Record<string, PropertySchema> = {
  ami: { type: "string", required: true, replace: true },
  instanceType: { type: "string", required: true },
  subnetId: { type: "string", required: true, replace: true },
  availabilityZone: { type: "string", replace: true },
  privateIp: { type: "string", replace: true },
  associatePublicIpAddress: { type: "boolean", replace: true },
  vpcSecurityGroupIds: { type: "array", items: { type: "string" } },
  keyName: { type: "string", replace: true },
  userData: { type: "string" },
  userDataBase64: { type: "string" },
  userDataReplaceOnChange: { type: "boolean", default: false },
  sourceDestCheck: { type: "boolean", default: true },
  ebsOptimized: { type: "boolean", replace: true },
  monitoring: { type: "boolean" },
  tenancy: { type: "string", oneOf: ["default"], replace: true },
  instanceInitiatedShutdownBehavior: { type: "string", oneOf: ["stop", "terminate"] },
  volumeTags: { type: "map", items: { type: "string" } },
  metadataOptions: {
    type: "object",
    properties: {
      httpEndpoint: { type: "string", oneOf: ["enabled", "disabled"] },
      httpTokens: { type: "string", oneOf: ["optional", "required"] },
      httpPutResponseHopLimit: { type: "integer", min: 1, max: 64 },
      httpProtocolIpv6: { type: "string", oneOf: ["enabled", "disabled"] },
      instanceMetadataTags: { type: "string", oneOf: ["enabled", "disabled"] },
    },
  },
  rootBlockDevice: {
    type: "object",
    properties: {
      deleteOnTermination: { type: "boolean" },
      encrypted: { type: "boolean" },
      iops: { type: "integer", min: 100, max: 256000 },
      kmsKeyId: { type: "string" },
      tags: { type: "map", items: { type: "string" } },
      throughput: { type: "integer", min: 125, max: 1000 },
      volumeSize: { type: "integer", min: 1, max: 16384 },
      volumeType: { type: "string", oneOf: ["standard", "gp2", "gp3", "io1", "io2", "sc1", "st1"] },
    },
  },
  creditSpecification: {
    type: "object",
    properties: { cpuCredits: { type: "string", oneOf: ["standard", "unlimited"] } },
  },
  instanceMarketOptions: {
    type: "object",
    replace: true,
    properties: {
      marketType: { type: "string", oneOf: ["spot"] },
      spotOptions: {
        type: "object",
        properties: {
          instanceInterruptionBehavior: { type: "string", oneOf: ["hibernate", "stop", "terminate"] },
          maxPrice: { type: "string" },
          spotInstanceType: { type: "string", oneOf: ["one-time", "persistent"] },
          validUntil: { type: "string" },
        },
      },
    },
  },
};

/** The root disk as EC2 shows it; the values for what the program leaves open are Ubuntu's image's and gp3's. */
export function blockDevice(asked: unknown, volumeId: string): object {
  const defaults = { volumeType: "gp3", volumeSize: 8, encrypted: false, deleteOnTermination: true };
  const performance = { iops: 3000, throughput: 125 };
  return { ...defaults, ...performance, kmsKeyId: "", ...(asked as object), volumeId, deviceName: "/dev/sda1" };
}

/** Metadata options with EC2's defaults for Ubuntu 24.04, whose image asks for IMDSv2. */
export function metadataOptions(asked: unknown): object {
  return {
    httpEndpoint: "enabled",
    httpTokens: "required",
    httpPutResponseHopLimit: 2,
    httpProtocolIpv6: "disabled",
    instanceMetadataTags: "disabled",
    ...(asked as object),
  };
}

/** T3's default is "unlimited". */
export function creditSpecification(asked: unknown): object {
  return { cpuCredits: "unlimited", ...(asked as object) };
}
