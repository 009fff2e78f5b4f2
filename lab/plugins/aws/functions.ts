import { currentImage } from "../../ec2/lab-description";
import { accountId } from "../../ec2/model/state";
import { zonesOf, type Zone } from "../../ec2/model/zones";
import type { ProviderFunction } from "../server/provider";
import { checkProperties, type PropertySchema } from "../server/schema";
import { accountOf } from "./account";
import { text } from "./noun";

/** The Systems Manager parameter under which Canonical publishes Ubuntu 24.04's current image. */
export const ubuntuParameter = "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id";

const parameterArguments: Record<string, PropertySchema> = {
  name: { type: "string", required: true },
  region: { type: "string" },
  withDecryption: { type: "boolean" },
};

/**
 * `aws.ssm.getParameter`: Ubuntu's current image is the lab's. Which of them, the environment's `DAYBREAK_LAB_IMAGE`
 * says: "base" (default), "baked", or an image's id.
 */
export const getParameter: ProviderFunction = async (args, ctx) => {
  refuseUnsupported("aws.ssm.getParameter", parameterArguments, args);
  const account = accountOf(ctx);
  const name = String(args.name);
  if (name !== ubuntuParameter) {
    throw new Error(
      `reading SSM Parameter (${name}): operation error SSM: GetParameter, api error ParameterNotFound: ` +
        `the lab has ${ubuntuParameter} and no other`,
    );
  }
  const value = currentImage(account.cloud().lab, process.env.DAYBREAK_LAB_IMAGE);
  return {
    arn: `arn:aws:ssm:${account.region}::parameter${name}`,
    id: name,
    insecureValue: value,
    name,
    region: account.region,
    type: "String",
    value,
    version: 1,
    withDecryption: args.withDecryption ?? true,
  };
};

const zoneArguments: Record<string, PropertySchema> = {
  allAvailabilityZones: { type: "boolean" },
  excludeNames: { type: "array", items: { type: "string" } },
  excludeZoneIds: { type: "array", items: { type: "string" } },
  filters: {
    type: "array",
    items: {
      type: "object",
      properties: {
        name: { type: "string", required: true },
        values: { type: "array", items: { type: "string" }, required: true },
      },
    },
  },
  region: { type: "string" },
  state: { type: "string", oneOf: ["available", "information", "impaired", "unavailable"] },
};

interface Filter {
  name: string;
  values: string[];
}

/** `aws.getAvailabilityZones`: a region's usual zones, all of them available. */
export const getAvailabilityZones: ProviderFunction = async (args, ctx) => {
  refuseUnsupported("aws.getAvailabilityZones", zoneArguments, args);
  const region = text(args, "region") ?? accountOf(ctx).region;
  const filters = (args.filters ?? []) as Filter[];
  const excluded = [...((args.excludeNames ?? []) as string[]), ...((args.excludeZoneIds ?? []) as string[])];
  const zones = zonesOf(region)
    .filter(
      (zone) => (args.state ?? "available") === "available" && filters.every((filter) => fits(zone, region, filter)),
    )
    .filter((zone) => !excluded.includes(zone.name) && !excluded.includes(zone.id));
  return {
    ...args,
    groupNames: zones.length === 0 ? [] : [region],
    id: region,
    names: zones.map((zone) => zone.name),
    region,
    zoneIds: zones.map((zone) => zone.id),
  };
};

function fits(zone: Zone, region: string, { name, values }: Filter): boolean {
  const facts: Record<string, string> = {
    "group-name": region,
    "opt-in-status": "opt-in-not-required",
    "region-name": region,
    state: "available",
    "zone-id": zone.id,
    "zone-name": zone.name,
    "zone-type": "availability-zone",
  };
  const fact = facts[name];
  if (fact === undefined) {
    throw new Error(
      `aws.getAvailabilityZones: the lab has no filter "${name}"; it has ${Object.keys(facts).join(", ")}`,
    );
  }
  return values.includes(fact);
}

function refuseUnsupported(what: string, schema: Record<string, PropertySchema>, args: Record<string, unknown>): void {
  const { failures } = checkProperties(schema, args);
  if (failures.length === 0) return;
  throw new Error(`${what}: ${failures.map(({ property, reason }) => `${property}: ${reason}`).join("; ")}`);
}

/** `aws.getCallerIdentity`, for programs that show whose account they run in. */
export const getCallerIdentity: ProviderFunction = async () => ({
  accountId,
  arn: `arn:aws:iam::${accountId}:user/daybreak-lab`,
  id: accountId,
  userId: "AIDADAYBREAKLAB",
});
