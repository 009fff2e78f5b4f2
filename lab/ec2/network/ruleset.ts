import { publicAddressOf } from "../model/instance";
import { gatewayOf } from "../model/internet-gateway";
import { tableOf } from "../model/route-table";
import type { Direction, Ec2State, Instance, SecurityGroupRule, Vpc } from "../model/state";
import { internetDevice, machineDevice } from "./names";

/**
 * The packet filter of a VPC's router, as text for `nft --file -`. It replaces the whole table in one transaction.
 *
 * - Public addresses are mapped one to one at the internet gateway.
 * - A packet leaves to the internet only if its machine has a public address and its subnet's table has a route there;
 *   this is looked at for every packet, so a removed route cuts connections at once.
 * - Security groups are stateful: a new connection has to pass the sender's egress and the receiver's ingress rules, then
 *   it may go on. Taking a rule away stops new connections; those that are open live on, as EC2's tracked ones do.
 * - A machine may only send from its own address (source/destination check).
 */
export function routerRuleset(state: Ec2State, vpc: Vpc): string {
  const machines = machinesOf(state, vpc);
  const blocks = [
    ...groupSets(state, vpc, machines),
    ...addressMaps(state, machines),
    chain("spoofed", "type filter hook prerouting priority raw; policy accept;", spoofed(machines)),
    chain("nat-in", "type nat hook prerouting priority dstnat; policy accept;", [
      `iifname "${internetDevice}" dnat to ip daddr map @private-of`,
    ]),
    chain("nat-out", "type nat hook postrouting priority srcnat; policy accept;", [
      `oifname "${internetDevice}" snat to ip saddr map @public-of`,
    ]),
    chain("input", "type filter hook input priority filter; policy drop;", [
      // EC2's groups do not filter what goes to the name server. It answers over UDP only; to say so at once is better
      // than a time-out.
      `iifname != "${internetDevice}" udp dport 53 ${vpc.dnsSupport ? "accept" : "reject"}`,
      `iifname != "${internetDevice}" tcp dport 53 reject with tcp reset`,
    ]),
    ...machines.flatMap((machine) => [
      machineChain(state, machine, "egress", "return"),
      machineChain(state, machine, "ingress", "accept"),
    ]),
    ...routeChains(state, vpc),
    forwardChain(machines),
  ];
  return `table ip daybreak\ndelete table ip daybreak\ntable ip daybreak {\n${blocks.join("\n")}}\n`;
}

/** The machines of a VPC that have a place in its network: all but those that are gone, in a stable order. */
export function machinesOf(state: Ec2State, vpc: Vpc): Instance[] {
  return Object.values(state.instances)
    .filter((instance) => instance.vpcId === vpc.id && instance.state !== "terminated")
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

function chain(name: string, hook: string | undefined, rules: string[]): string {
  const lines = hook === undefined ? rules : [hook, ...rules];
  return `  chain ${name} {\n${lines.map((line) => `    ${line}\n`).join("")}  }\n`;
}

/** One set of member addresses for each group of the VPC: what a rule's reference to a group means. */
function groupSets(state: Ec2State, vpc: Vpc, machines: Instance[]): string[] {
  return Object.values(state.groups)
    .filter((group) => group.vpcId === vpc.id)
    .map((group) => {
      const members = machines.filter((machine) => machine.groupIds.includes(group.id));
      return set(
        `set ${group.id}`,
        "ipv4_addr",
        members.map((machine) => machine.privateIp),
      );
    });
}

function set(head: string, type: string, elements: string[]): string {
  const list = elements.length === 0 ? "" : `    elements = { ${elements.join(", ")} }\n`;
  return `  ${head} {\n    type ${type}\n${list}  }\n`;
}

function addressMaps(state: Ec2State, machines: Instance[]): string[] {
  const pairs = machines.flatMap((machine) => {
    const address = publicAddressOf(state, machine);
    return address === undefined ? [] : [{ inside: machine.privateIp, outside: address }];
  });
  return [
    set(
      "map private-of",
      "ipv4_addr : ipv4_addr",
      pairs.map(({ inside, outside }) => `${outside} : ${inside}`),
    ),
    set(
      "map public-of",
      "ipv4_addr : ipv4_addr",
      pairs.map(({ inside, outside }) => `${inside} : ${outside}`),
    ),
    set(
      "set mapped",
      "ipv4_addr",
      pairs.map(({ inside }) => inside),
    ),
  ];
}

function spoofed(machines: Instance[]): string[] {
  return machines
    .filter((machine) => machine.sourceDestCheck)
    .map((machine) => `iifname "${machineDevice(machine.id)}" ip saddr != ${machine.privateIp} drop`);
}

function machineChain(state: Ec2State, machine: Instance, direction: Direction, verdict: string): string {
  const rules = Object.values(state.rules)
    .filter((rule) => rule.direction === direction && machine.groupIds.includes(rule.groupId))
    .map((rule) => `${match(rule)}${verdict} comment "${rule.id}"`);
  return chain(`${direction}-${machine.id}`, undefined, [...new Set(rules), "drop"]);
}

/** A rule's condition: peer, protocol and ports. Empty for "everything". */
function match(rule: SecurityGroupRule): string {
  const address = rule.direction === "ingress" ? "ip saddr" : "ip daddr";
  const conditions: string[] = [];
  if (rule.referencedGroupId !== undefined) conditions.push(`${address} @${rule.referencedGroupId}`);
  else if (rule.cidrIpv4 !== undefined && rule.cidrIpv4 !== "0.0.0.0/0") conditions.push(`${address} ${rule.cidrIpv4}`);
  conditions.push(...matchProtocol(rule));
  return conditions.map((condition) => `${condition} `).join("");
}

function matchProtocol({ protocol, fromPort, toPort }: SecurityGroupRule): string[] {
  if (protocol === "-1") return [];
  if (protocol === "icmp") {
    if (fromPort === undefined || fromPort === -1) return ["ip protocol icmp"];
    return toPort === undefined || toPort === -1
      ? [`icmp type ${fromPort}`]
      : [`icmp type ${fromPort}`, `icmp code ${toPort}`];
  }
  if (fromPort === undefined || toPort === undefined) return [`ip protocol ${protocol}`];
  return [`${protocol} dport ${fromPort === toPort ? fromPort : `${fromPort}-${toPort}`}`];
}

/** For each subnet, where its route table lets packets go beyond the VPC; nowhere without a gateway. */
function routeChains(state: Ec2State, vpc: Vpc): string[] {
  const subnets = Object.values(state.subnets).filter((subnet) => subnet.vpcId === vpc.id);
  const gateway = gatewayOf(state, vpc.id);
  const own = subnets.map((subnet) => {
    const routes = tableOf(state, subnet).routes.filter((route) => route.gatewayId === gateway?.id);
    const rules = routes.map(({ destination }) =>
      destination === "0.0.0.0/0" ? "return" : `ip daddr ${destination} return`,
    );
    return chain(`routes-${subnet.id}`, undefined, [...rules, "drop"]);
  });
  const toInternet = chain("to-internet", undefined, [
    "ip saddr != @mapped drop",
    ...subnets.map((subnet) => `ip saddr ${subnet.cidr} jump routes-${subnet.id}`),
  ]);
  return [...own, toInternet];
}

function forwardChain(machines: Instance[]): string {
  const from = machines.map(({ id }) => `"${machineDevice(id)}" : jump egress-${id}`);
  const to = machines.map(({ id }) => `"${machineDevice(id)}" : jump ingress-${id}`);
  return chain("forward", "type filter hook forward priority filter; policy drop;", [
    `oifname "${internetDevice}" jump to-internet`,
    "ct state established,related accept",
    "ct state invalid drop",
    ...(from.length === 0 ? [] : [`iifname vmap { ${from.join(", ")} }`]),
    `oifname vmap { ${[...to, `"${internetDevice}" : accept`].join(", ")} }`,
  ]);
}
