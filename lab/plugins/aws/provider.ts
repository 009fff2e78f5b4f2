import { version } from "@pulumi/aws/package.json";

import { openCloud, type Cloud } from "../../ec2/cloud";
import { isRegion, regionNames } from "../../ec2/model/zones";
import type { Tags } from "../../ec2/model/state";
import type { Provider } from "../server/provider";
import type { PropertySchema } from "../server/schema";
import type { Account } from "./account";
import { eipAssociationType, eipType } from "./elastic-ip";
import { getAvailabilityZones, getCallerIdentity, getParameter } from "./functions";
import { instanceType } from "./instance";
import { internetGatewayType } from "./internet-gateway";
import { keyPairType } from "./key-pair";
import { routeTableAssociationType, routeTableType, routeType } from "./route-table";
import { securityGroupRuleType, securityGroupType } from "./security-group";
import { subnetType } from "./subnet";
import { vpcType } from "./vpc";

/** Credentials and checks of them, which the lab has no use for. */
const ignored = {
  accessKey: { type: "string" },
  profile: { type: "string" },
  secretKey: { type: "string" },
  token: { type: "string" },
  skipCredentialsValidation: { type: "boolean" },
  skipMetadataApiCheck: { type: "boolean" },
  skipRegionValidation: { type: "boolean" },
  skipRequestingAccountId: { type: "boolean" },
} satisfies Record<string, PropertySchema>;

/** The lab's aws provider: EC2 of the lab in the environment's `DAYBREAK_LAB_DIR`. */
export const provider: Provider = {
  name: "aws",
  version,
  configuration: {
    region: { type: "string", replace: true },
    defaultTags: { type: "object", properties: { tags: { type: "map", items: { type: "string" } } } },
    ...ignored,
  },
  checkConfig(news) {
    const region = news.region ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
    if (typeof region !== "string" || isRegion(region)) return { inputs: news, failures: [] };
    const reason = `the lab plays no region "${region}"; it plays ${regionNames().join(", ")}`;
    return { inputs: news, failures: [{ property: "region", reason }] };
  },
  configure(config): Account {
    const region = config.region ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
    if (typeof region !== "string" || !isRegion(region)) {
      throw new Error("the aws provider needs a region: pulumi config set aws:region ap-northeast-2");
    }
    let cloud: Cloud | undefined;
    return {
      cloud: () => (cloud ??= openCloud(labDir())),
      region,
      defaultTags: { ...((config.defaultTags as { tags?: Tags } | undefined)?.tags ?? {}) },
    };
  },
  resources: {
    "aws:ec2/vpc:Vpc": vpcType,
    "aws:ec2/internetGateway:InternetGateway": internetGatewayType,
    "aws:ec2/subnet:Subnet": subnetType,
    "aws:ec2/routeTable:RouteTable": routeTableType,
    "aws:ec2/route:Route": routeType,
    "aws:ec2/routeTableAssociation:RouteTableAssociation": routeTableAssociationType,
    "aws:ec2/securityGroup:SecurityGroup": securityGroupType,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": securityGroupRuleType("ingress"),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": securityGroupRuleType("egress"),
    "aws:ec2/keyPair:KeyPair": keyPairType,
    "aws:ec2/instance:Instance": instanceType,
    "aws:ec2/eip:Eip": eipType,
    "aws:ec2/eipAssociation:EipAssociation": eipAssociationType,
  },
  functions: {
    "aws:ssm/getParameter:getParameter": getParameter,
    "aws:index/getAvailabilityZones:getAvailabilityZones": getAvailabilityZones,
    "aws:index/getCallerIdentity:getCallerIdentity": getCallerIdentity,
  },
};

function labDir(): string {
  const dir = process.env.DAYBREAK_LAB_DIR;
  if (dir !== undefined && dir !== "") return dir;
  throw new Error("DAYBREAK_LAB_DIR is not set: run pulumi inside the lab, with npm run lab:shell");
}
