import type { Cloud } from "../../ec2/cloud";
import { accountId, type Tags } from "../../ec2/model/state";
import type { Context } from "../server/provider";

/** What a configured provider works with. */
export interface Account {
  /** The lab's EC2; opened at first use, so that previews need no lab. */
  cloud(): Cloud;
  region: string;
  /** Tags that every resource gets besides its own. */
  defaultTags: Tags;
}

/** The account of a call. In a preview before the configuration is known, one without a region. */
export function accountOf(ctx: Context): Account {
  const config = ctx.config as Partial<Account> | undefined;
  return {
    region: config?.region ?? "",
    defaultTags: config?.defaultTags ?? {},
    cloud:
      config?.cloud ??
      (() => {
        throw new Error("the provider's configuration is not known yet");
      }),
  };
}

/** `arn:aws:ec2:<region>:<account>:<path>` */
export function arn(account: Account, path: string, service = "ec2"): string {
  return `arn:aws:${service}:${account.region}:${accountId}:${path}`;
}

/** The name by which the internet finds an address; empty for none. */
export function publicDnsName(account: Account, address: string): string {
  const zone = account.region === "us-east-1" ? "compute-1" : `${account.region}.compute`;
  return address === "" ? "" : `ec2-${address.replaceAll(".", "-")}.${zone}.amazonaws.com`;
}

/** The name of a private address inside the VPC. */
export function privateDnsName(account: Account, address: string): string {
  const zone = account.region === "us-east-1" ? "ec2.internal" : `${account.region}.compute.internal`;
  return `ip-${address.replaceAll(".", "-")}.${zone}`;
}
