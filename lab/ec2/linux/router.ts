import { publicAddressOf } from "../model/instance";
import { gatewayOf } from "../model/internet-gateway";
import type { Ec2State, Instance, Vpc } from "../model/state";
import { findSubnet, routerAddress } from "../model/subnet";
import { nameServerOf } from "../model/vpc";
import {
  internetDevice,
  internetNamespace,
  machineDevice,
  machineInterface,
  machineNamespace,
  routerLinkAddress,
  routerNamespace,
  vpcDevice,
  workstationAddress,
} from "../network/names";
import { machinesOf, routerRuleset } from "../network/ruleset";
import { ensureNamespace, inNamespace, ipBatch } from "./namespace";

/** Packet size within a VPC, as EC2's. */
const vpcMtu = 9001;
/** Packet size to and from the internet, as EC2's gateways have it. */
const internetMtu = 1500;

/** Everything that decides how a VPC's network looks: two states with the same plan need nothing changed. */
export function routerPlan(state: Ec2State, vpc: Vpc): string {
  const subnets = Object.values(state.subnets).filter((subnet) => subnet.vpcId === vpc.id);
  const machines = machinesOf(state, vpc).map(({ id, mac, privateIp, subnetId }) => [id, mac, privateIp, subnetId]);
  const gateway = gatewayOf(state, vpc.id)?.id;
  return JSON.stringify({ subnets, machines, gateway, filter: routerRuleset(state, vpc) });
}

/** Makes a VPC's router and its cables as the state has them, and closes it before anything is plugged in. */
export async function applyRouter(lab: string, state: Ec2State, vpc: Vpc): Promise<void> {
  const namespace = routerNamespace(lab, vpc.id);
  await ensureNamespace(namespace);
  await inNamespace(namespace, "nft", ["--file", "-"], routerRuleset(state, vpc));
  const devices = await readyDevices(namespace);
  const subnets = Object.values(state.subnets).filter((subnet) => subnet.vpcId === vpc.id);
  await ipBatch(namespace, [
    ...subnets.map((subnet) => `address replace ${routerAddress(subnet)}/32 dev lo`),
    `address replace ${nameServerOf(vpc.cidr)}/32 dev lo`,
  ]);
  await applyGateway(lab, state, vpc, devices.has(internetDevice));
  for (const machine of machinesOf(state, vpc)) {
    if (!devices.has(machineDevice(machine.id))) await plugIn(lab, state, machine);
  }
}

/** Set on a device as the last step of making its cable: one without it was left half-made by a killed process. */
const ready = "daybreak-ready";

/** Names of the devices in a namespace whose cable is whole; half-made ones are removed. */
async function readyDevices(namespace: string): Promise<Set<string>> {
  const output = await inNamespace(namespace, "ip", ["-oneline", "link", "show"]);
  const devices = output.split("\n").flatMap((line) => {
    const name = /^\d+: ([^@:]+)/.exec(line)?.[1];
    return name === undefined || name === "lo" ? [] : [{ name, whole: line.includes(`alias ${ready}`) }];
  });
  await ipBatch(
    namespace,
    devices.filter(({ whole }) => !whole).map(({ name }) => `link delete ${name}`),
  );
  return new Set(devices.filter(({ whole }) => whole).map(({ name }) => name));
}

/** The cable to the internet exists while an internet gateway is attached; the internet routes public addresses to it. */
async function applyGateway(lab: string, state: Ec2State, vpc: Vpc, present: boolean): Promise<void> {
  const router = routerNamespace(lab, vpc.id);
  const internet = internetNamespace(lab);
  const device = vpcDevice(vpc.id);
  const wanted = gatewayOf(state, vpc.id) !== undefined;
  if (!wanted) {
    if (present) await ipBatch(router, [`link delete ${internetDevice}`]);
    return;
  }
  if (!present) {
    await ipBatch(router, [
      `link add ${internetDevice} mtu ${internetMtu} type veth peer name ${device} mtu ${internetMtu} netns ${internet}`,
      `address add ${routerLinkAddress}/32 dev ${internetDevice}`,
      `link set ${internetDevice} up`,
      `route add default via ${workstationAddress} dev ${internetDevice} onlink`,
    ]);
    await ipBatch(internet, [`link set ${device} up`]);
    await ipBatch(router, [`link set ${internetDevice} alias ${ready}`]);
  }
  await routePublicAddresses(internet, device, publicAddresses(state, vpc));
}

function publicAddresses(state: Ec2State, vpc: Vpc): string[] {
  return machinesOf(state, vpc)
    .map((machine) => publicAddressOf(state, machine))
    .filter((address) => address !== undefined);
}

async function routePublicAddresses(internet: string, device: string, wanted: string[]): Promise<void> {
  const output = await inNamespace(internet, "ip", ["route", "show", "dev", device]);
  const present = output.split("\n").map((line) => line.trim().split(" ")[0] ?? "");
  const stale = present.filter((address) => address.startsWith("203.0.113.") && !wanted.includes(address));
  await ipBatch(internet, [
    ...stale.map((address) => `route delete ${address}/32 dev ${device}`),
    ...wanted.map(
      (address) =>
        `route replace ${address}/32 via ${routerLinkAddress} dev ${device} onlink src ${workstationAddress}`,
    ),
  ]);
}

/** Makes a machine's namespace and the cable to its VPC's router, one cable a machine; the router answers for the rest. */
async function plugIn(lab: string, state: Ec2State, machine: Instance): Promise<void> {
  const subnet = findSubnet(state, machine.subnetId);
  const namespace = machineNamespace(lab, machine.id);
  const device = machineDevice(machine.id);
  await ensureNamespace(namespace);
  await ipBatch(routerNamespace(lab, machine.vpcId), [
    `link add ${device} mtu ${vpcMtu} type veth peer name ${machineInterface} mtu ${vpcMtu} address ${machine.mac} netns ${namespace}`,
    `link set ${device} up`,
    `route add ${machine.privateIp}/32 dev ${device} src ${routerAddress(subnet)}`,
  ]);
  await inNamespace(routerNamespace(lab, machine.vpcId), "sh", [
    "-euc",
    'echo 1 > "/proc/sys/net/ipv4/conf/$1/proxy_arp"; echo 0 > "/proc/sys/net/ipv4/neigh/$1/proxy_delay"',
    "sh",
    device,
  ]);
  await ipBatch(namespace, [
    `address add ${machine.privateIp}/${subnet.cidr.split("/")[1]} dev ${machineInterface}`,
    `link set ${machineInterface} up`,
    `route add default via ${routerAddress(subnet)} dev ${machineInterface}`,
  ]);
  await ipBatch(routerNamespace(lab, machine.vpcId), [`link set ${device} alias ${ready}`]);
}
