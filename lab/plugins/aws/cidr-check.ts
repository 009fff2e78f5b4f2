import { canonicalCidr, parseCidr } from "../../ec2/model/addresses";
import type { Failure, Properties } from "../server/provider";

/** What the AWS provider says of a CIDR block before it asks EC2; nothing for one that isn't known yet. */
export function checkCidr(inputs: Properties, property: string): Failure[] {
  const value = inputs[property];
  if (typeof value !== "string" || parseCidr(value) !== undefined) return [];
  const meant = canonicalCidr(value);
  const reason =
    meant === undefined
      ? `"${value}" is not a valid IPv4 CIDR block`
      : `"${value}" is not a valid IPv4 CIDR block; did you mean "${meant}"?`;
  return [{ property, reason }];
}
