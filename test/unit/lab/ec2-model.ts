import { blockSize, canonicalCidr, overlaps, parseAddress, parseCidr } from "../../../lab/ec2/model/addresses";
import {
  allocateAddress,
  associateAddress,
  disassociateAddress,
  findElasticIp,
  releaseAddress,
} from "../../../lab/ec2/model/elastic-ip";
import { changeInstanceType, forgetInstance, publicAddressOf, runInstance } from "../../../lab/ec2/model/instance";
import { attachGateway, createGateway, deleteGateway, detachGateway } from "../../../lab/ec2/model/internet-gateway";
import { findKeyPair, importKeyPair } from "../../../lab/ec2/model/key-pair";
import {
  associateRouteTable,
  createRoute,
  createRouteTable,
  deleteRouteTable,
} from "../../../lab/ec2/model/route-table";
import { createGroup, deleteGroup } from "../../../lab/ec2/model/security-group";
import { addRule, modifyRule, removeRule } from "../../../lab/ec2/model/security-group-rule";
import { createSubnet, deleteSubnet, routerAddress } from "../../../lab/ec2/model/subnet";
import { createVpc, deleteVpc } from "../../../lab/ec2/model/vpc";
import { zonesOf } from "../../../lab/ec2/model/zones";
import { image, launch, makeAccount, refusal } from "../lab-ec2-account";

const region = "ap-northeast-2";
const ed25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2aQ0TzD4bmc6BhVjuqQDdHVY0gR1w4nXHl7bZ5JmF2 someone";

describe("addresses", () => {
  test("are parsed in their usual form only", () => {
    expect(parseAddress("10.0.1.10")).toBe(0x0a00010a);
    expect(parseAddress("255.255.255.255")).toBe(0xffffffff);
    for (const text of ["10.0.1", "10.0.1.256", "10.0.01.1", "a.b.c.d", ""]) expect(parseAddress(text)).toBeUndefined();
  });

  test("blocks have no bits beyond their prefix, and the meant one is told", () => {
    expect(parseCidr("10.0.0.0/16")).toEqual({ first: 0x0a000000, prefix: 16 });
    expect(parseCidr("10.0.1.0/16")).toBeUndefined();
    expect(canonicalCidr("10.0.1.0/16")).toBe("10.0.0.0/16");
    expect(canonicalCidr("10.0.1.0/33")).toBeUndefined();
    expect(blockSize(24)).toBe(256);
  });

  test("blocks overlap when one begins in the other", () => {
    const block = (text: string) => parseCidr(text) ?? { first: 0, prefix: 0 };
    expect(overlaps(block("10.0.0.0/23"), block("10.0.1.0/24"))).toBe(true);
    expect(overlaps(block("10.0.1.0/24"), block("10.0.2.0/24"))).toBe(false);
    expect(overlaps(block("0.0.0.0/0"), block("203.0.113.0/24"))).toBe(true);
  });
});

describe("VPCs, gateways and subnets", () => {
  test("refuse what EC2 refuses", () => {
    const { state, vpc, gateway } = makeAccount();
    expect(refusal(() => createVpc(state, { cidr: "10.0.0.0/8" }))).toBe("InvalidVpc.Range");
    expect(refusal(() => createVpc(state, { cidr: "10.0.1.0/16" }))).toBe("InvalidParameterValue");
    const subnet = (cidr: string, zone?: string) => () =>
      createSubnet(state, { vpcId: vpc.id, cidr, region, ...(zone === undefined ? {} : { zone }) });
    expect(refusal(subnet("10.1.0.0/24"))).toBe("InvalidSubnet.Range");
    expect(refusal(subnet("10.0.0.0/29"))).toBe("InvalidSubnet.Range");
    expect(refusal(subnet("10.0.1.128/25"))).toBe("InvalidSubnet.Conflict");
    expect(refusal(subnet("10.0.2.0/24", "eu-west-1a"))).toBe("InvalidParameterValue");
    expect(refusal(() => attachGateway(state, gateway.id, vpc.id))).toBe("Resource.AlreadyAssociated");
    expect(refusal(() => attachGateway(state, createGateway(state, {}).id, vpc.id))).toBe("InvalidParameterValue");
  });

  test("five VPCs are the quota", () => {
    const { state } = makeAccount();
    for (let index = 1; index < 5; index += 1) createVpc(state, { cidr: `10.${index}.0.0/16` });
    expect(refusal(() => createVpc(state, { cidr: "10.9.0.0/16" }))).toBe("VpcLimitExceeded");
  });

  test("go only in an order that leaves nothing hanging", () => {
    const { state, vpc, gateway, subnet, table, group } = makeAccount();
    const instance = launch(state, subnet.id, { groupIds: [group.id], associatePublicIp: true });
    const violation = "DependencyViolation";
    expect(refusal(() => deleteVpc(state, vpc.id))).toBe(violation);
    expect(refusal(() => deleteSubnet(state, subnet.id))).toBe(violation);
    expect(refusal(() => deleteGroup(state, group.id))).toBe(violation);
    expect(refusal(() => deleteRouteTable(state, table.id))).toBe(violation);
    expect(refusal(() => deleteGateway(state, gateway.id))).toBe(violation);
    expect(refusal(() => detachGateway(state, gateway.id, vpc.id))).toBe(violation);
    forgetInstance(state, instance.id);
    detachGateway(state, gateway.id, vpc.id);
    deleteGateway(state, gateway.id);
    deleteSubnet(state, subnet.id);
    deleteRouteTable(state, table.id);
    deleteGroup(state, group.id);
    deleteVpc(state, vpc.id);
    expect({ ...state.vpcs, ...state.groups, ...state.rules, ...state.routeTables }).toEqual({});
  });

  test("zones are the region's", () => {
    expect(zonesOf(region).map(({ name }) => name)).toEqual(["a", "b", "c", "d"].map((letter) => region + letter));
    expect(zonesOf("nowhere-1")).toEqual([]);
  });
});

describe("routes", () => {
  test("refuse doubles, foreign gateways and a subnet's second table", () => {
    const { state, vpc, gateway, subnet, table } = makeAccount();
    const route = { destination: "0.0.0.0/0", gatewayId: gateway.id };
    expect(refusal(() => createRoute(state, table.id, route))).toBe("RouteAlreadyExists");
    expect(refusal(() => createRoute(state, table.id, { ...route, destination: "10.0.0.0/16" }))).toBe(
      "RouteAlreadyExists",
    );
    const unknown = { destination: "192.0.2.0/24", gatewayId: "igw-00000000000000000" };
    expect(refusal(() => createRoute(state, table.id, unknown))).toBe("InvalidGatewayID.NotFound");
    const loose = createGateway(state, {});
    expect(refusal(() => createRoute(state, table.id, { ...unknown, gatewayId: loose.id }))).toBe(
      "InvalidParameterValue",
    );
    const other = createRouteTable(state, { vpcId: vpc.id });
    expect(refusal(() => associateRouteTable(state, other.id, subnet.id))).toBe("Resource.AlreadyAssociated");
  });
});

describe("security groups", () => {
  test("have unique names in their VPC and begin with a way out", () => {
    const { state, vpc, group } = makeAccount();
    const again = { vpcId: vpc.id, name: "nodes", description: "again" };
    expect(refusal(() => createGroup(state, again))).toBe("InvalidGroup.Duplicate");
    expect(refusal(() => deleteGroup(state, vpc.defaultGroupId))).toBe("CannotDelete");
    const rules = Object.values(state.rules).filter((rule) => rule.groupId === group.id);
    expect(rules).toMatchObject([{ direction: "egress", protocol: "-1", cidrIpv4: "0.0.0.0/0" }]);
  });

  test("take a rule once, by its meaning", () => {
    const { state, group } = makeAccount();
    const rule = { groupId: group.id, direction: "ingress" as const, fromPort: 22, toPort: 22 };
    const ssh = addRule(state, { ...rule, protocol: "tcp", cidrIpv4: "0.0.0.0/0" });
    const twin = { ...rule, protocol: "6", cidrIpv4: "0.0.0.0/0" };
    expect(() => addRule(state, twin)).toThrow(
      'the specified rule "peer: 0.0.0.0/0, TCP, from port: 22, to port: 22, ALLOW" already exists',
    );
    const self = addRule(state, { ...rule, protocol: "-1", referencedGroupId: group.id });
    expect(self.fromPort).toBeUndefined();
    expect(refusal(() => modifyRule(state, self.id, twin))).toBe("InvalidPermission.Duplicate");
    removeRule(state, ssh.id);
    expect(refusal(() => removeRule(state, ssh.id))).toBe("InvalidSecurityGroupRuleId.NotFound");
  });

  test("refuse rules without sense", () => {
    const { state, group } = makeAccount();
    const rule = { groupId: group.id, direction: "ingress" as const, protocol: "tcp", fromPort: 1, toPort: 2 };
    expect(refusal(() => addRule(state, rule))).toBe("InvalidParameterCombination");
    expect(refusal(() => addRule(state, { ...rule, cidrIpv4: "10.0.1.0/16" }))).toBe("InvalidParameterValue");
    expect(refusal(() => addRule(state, { ...rule, cidrIpv4: "10.0.0.0/16", toPort: 0 }))).toBe(
      "InvalidParameterValue",
    );
    expect(refusal(() => addRule(state, { ...rule, referencedGroupId: "sg-1" }))).toBe("InvalidGroup.NotFound");
    expect(refusal(() => addRule(state, { ...rule, groupId: "sg-1", cidrIpv4: "0.0.0.0/0" }))).toBe(
      "InvalidGroup.NotFound",
    );
  });
});

describe("machines", () => {
  test("get addresses that EC2 leaves free", () => {
    const { state, subnet } = makeAccount();
    expect(routerAddress(subnet)).toBe("10.0.1.1");
    expect(launch(state, subnet.id).privateIp).toBe("10.0.1.4");
    expect(launch(state, subnet.id).privateIp).toBe("10.0.1.5");
    expect(launch(state, subnet.id, { privateIp: "10.0.1.10" }).privateIp).toBe("10.0.1.10");
    expect(refusal(() => launch(state, subnet.id, { privateIp: "10.0.1.10" }))).toBe("InvalidIPAddress.InUse");
    for (const privateIp of ["10.0.1.3", "10.0.1.255", "10.0.2.10", "ten"]) {
      expect(refusal(() => launch(state, subnet.id, { privateIp }))).toBe("InvalidParameterValue");
    }
  });

  test("need an image, a type, a key and groups that exist", () => {
    const { state, subnet } = makeAccount();
    const request = { imageId: image, type: "t3.medium", subnetId: subnet.id };
    const run = (change: object) => refusal(() => runInstance(state, [image], { ...request, ...change }));
    expect(run({ imageId: "ami-00000000000000000" })).toBe("InvalidAMIID.NotFound");
    expect(run({ imageId: "ubuntu" })).toBe("InvalidAMIID.Malformed");
    expect(run({ type: "t9.huge" })).toBe("InvalidParameterValue");
    expect(run({ keyName: "none" })).toBe("InvalidKeyPair.NotFound");
    expect(run({ groupIds: ["sg-00000000000000000"] })).toBe("InvalidGroup.NotFound");
    expect(run({ subnetId: "subnet-00000000000000000" })).toBe("InvalidSubnetID.NotFound");
    expect(run({ userData: "x".repeat(16385) })).toBe("InvalidParameterValue");
    expect(Object.keys(state.instances)).toEqual([]);
  });

  test("change their type only when stopped", () => {
    const { state, subnet } = makeAccount();
    const instance = launch(state, subnet.id);
    expect(refusal(() => changeInstanceType(state, instance.id, "t3.large"))).toBe("IncorrectInstanceState");
    instance.state = "stopped";
    changeInstanceType(state, instance.id, "t3.large");
    expect(instance.type).toBe("t3.large");
  });
});

describe("Elastic IPs", () => {
  test("take a machine's own public address's place and give it back", () => {
    const { state, subnet } = makeAccount();
    const instance = launch(state, subnet.id, { associatePublicIp: true });
    expect(publicAddressOf(state, instance)).toBe("203.0.113.10");
    const address = allocateAddress(state, {});
    associateAddress(state, address.allocationId, instance.id, false);
    expect(publicAddressOf(state, instance)).toBe("203.0.113.11");
    expect(instance.publicIp).toBeUndefined();
    disassociateAddress(state, address.associationId ?? "");
    expect(publicAddressOf(state, instance)).toBe("203.0.113.10");
  });

  test("move only when that is allowed, and stay while in use", () => {
    const { state, subnet } = makeAccount();
    const [first, second] = [launch(state, subnet.id), launch(state, subnet.id)];
    const { allocationId } = allocateAddress(state, {});
    associateAddress(state, allocationId, first.id, false);
    const move = (allow: boolean) => () => associateAddress(state, allocationId, second.id, allow);
    expect(refusal(move(false))).toBe("Resource.AlreadyAssociated");
    expect(refusal(() => releaseAddress(state, allocationId))).toBe("InvalidIPAddress.InUse");
    move(true)();
    expect(findElasticIp(state, allocationId).instanceId).toBe(second.id);
    expect(refusal(() => associateAddress(state, "eipalloc-1", second.id, true))).toBe("InvalidAllocationID.NotFound");
    forgetInstance(state, second.id);
    releaseAddress(state, allocationId);
    expect(state.elasticIps).toEqual({});
  });

  test("need an internet gateway", () => {
    const { state, vpc, gateway, subnet } = makeAccount();
    const instance = launch(state, subnet.id);
    detachGateway(state, gateway.id, vpc.id);
    const { allocationId } = allocateAddress(state, {});
    expect(refusal(() => associateAddress(state, allocationId, instance.id, true))).toBe("Gateway.NotAttached");
  });
});

describe("key pairs", () => {
  test("are unique by name and of a kind that EC2 takes", () => {
    const { state } = makeAccount();
    const pair = importKeyPair(state, { name: "mine", publicKey: ed25519 });
    expect(pair).toMatchObject({ type: "ed25519", publicKey: ed25519 });
    expect(pair.fingerprint).toMatch(/^[A-Za-z0-9+/]{43}=$/);
    expect(refusal(() => importKeyPair(state, { name: "mine", publicKey: ed25519 }))).toBe("InvalidKeyPair.Duplicate");
    for (const publicKey of [
      "",
      "ssh-ed25519 AAAA",
      ed25519.replace("ssh-ed25519", "ssh-rsa"),
      "ecdsa-sha2-nistp256 A",
    ]) {
      expect(refusal(() => importKeyPair(state, { name: "other", publicKey }))).toBe("InvalidKey.Format");
    }
    expect(refusal(() => findKeyPair(state, "other"))).toBe("InvalidKeyPair.NotFound");
  });
});
