import { randomBytes } from "node:crypto";

/** Everything EC2 knows in one lab. Objects hold each other's ids; nothing else refers to them. */
export interface Ec2State {
  version: 1;
  vpcs: Record<string, Vpc>;
  gateways: Record<string, InternetGateway>;
  subnets: Record<string, Subnet>;
  routeTables: Record<string, RouteTable>;
  groups: Record<string, SecurityGroup>;
  rules: Record<string, SecurityGroupRule>;
  /** By name, as EC2 finds them. */
  keyPairs: Record<string, KeyPair>;
  instances: Record<string, Instance>;
  /** By allocation id. */
  elasticIps: Record<string, ElasticIp>;
}

export type Tags = Record<string, string>;

export interface Vpc {
  id: string;
  cidr: string;
  dnsSupport: boolean;
  dnsHostnames: boolean;
  tenancy: string;
  mainRouteTableId: string;
  defaultGroupId: string;
  networkAclId: string;
  dhcpOptionsId: string;
  tags: Tags;
}

export interface InternetGateway {
  id: string;
  vpcId?: string;
  tags: Tags;
}

export interface Subnet {
  id: string;
  vpcId: string;
  cidr: string;
  zone: string;
  zoneId: string;
  mapPublicIp: boolean;
  tags: Tags;
}

export interface RouteTable {
  id: string;
  vpcId: string;
  /** The table of every subnet of the VPC that has no association of its own. */
  main: boolean;
  /** Without the route to the VPC itself, which every table has. */
  routes: Route[];
  associations: RouteTableAssociation[];
  tags: Tags;
}

export interface Route {
  destination: string;
  gatewayId: string;
}

export interface RouteTableAssociation {
  id: string;
  subnetId: string;
}

export interface SecurityGroup {
  id: string;
  vpcId: string;
  name: string;
  description: string;
  tags: Tags;
}

export type Direction = "ingress" | "egress";

export interface SecurityGroupRule {
  id: string;
  groupId: string;
  direction: Direction;
  /** "-1" for all traffic, "tcp", "udp", "icmp", or a protocol's number as text. */
  protocol: string;
  /** First port, or the ICMP type (-1: all). Not set when the protocol is "-1" or a number. */
  fromPort?: number;
  /** Last port, or the ICMP code (-1: all). */
  toPort?: number;
  /** Either a block of addresses … */
  cidrIpv4?: string;
  /** … or a group, whose members are meant. */
  referencedGroupId?: string;
  description?: string;
  tags: Tags;
}

export interface KeyPair {
  id: string;
  name: string;
  publicKey: string;
  type: "rsa" | "ed25519";
  fingerprint: string;
  tags: Tags;
}

export type InstanceState = "pending" | "running" | "stopping" | "stopped" | "shutting-down" | "terminated";

export interface Instance {
  id: string;
  imageId: string;
  type: string;
  vpcId: string;
  subnetId: string;
  privateIp: string;
  mac: string;
  networkInterfaceId: string;
  rootVolumeId: string;
  /** Whether EC2 gives it a public address of its own when it has no Elastic IP. */
  autoPublicIp: boolean;
  /** That address; not set while an Elastic IP is associated. */
  publicIp?: string;
  keyName?: string;
  groupIds: string[];
  /** As text, never base64. Can hold keys: the state file is readable by root only. */
  userData?: string;
  state: InstanceState;
  sourceDestCheck: boolean;
  spot: boolean;
  tags: Tags;
}

export interface ElasticIp {
  allocationId: string;
  address: string;
  associationId?: string;
  instanceId?: string;
  tags: Tags;
}

/** An account without anything in it (the lab has no default VPC). */
export function emptyState(): Ec2State {
  return {
    version: 1,
    vpcs: {},
    gateways: {},
    subnets: {},
    routeTables: {},
    groups: {},
    rules: {},
    keyPairs: {},
    instances: {},
    elasticIps: {},
  };
}

/** An id in EC2's form: prefix, dash, 17 hex digits. */
export function newId(prefix: string): string {
  return `${prefix}-${randomBytes(9).toString("hex").slice(0, 17)}`;
}

/** The account that owns everything in the lab; the number AWS uses in its own examples. */
export const accountId = "123456789012";
