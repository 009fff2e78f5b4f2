/** EC2 on this machine: real machines, networks and filters, without Pulumi and Kubernetes. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { allocateAddress, associateAddress } from "../../lab/ec2/model/elastic-ip";
import { publicAddressOf } from "../../lab/ec2/model/instance";
import { deadInstances } from "../../lab/ec2/instances";
import { createRoute, deleteRoute } from "../../lab/ec2/model/route-table";
import { addRule, removeRule } from "../../lab/ec2/model/security-group-rule";
import type { Instance } from "../../lab/ec2/model/state";
import { listLeftovers, removeLab } from "../../lab/ec2/remove";
import { baseImage } from "../../lab/build/machine-images";
import { rootfsDirectory } from "../../lab/build/rootfs";
import { buildPlugins } from "../../lab/plugins/build";
import { Ec2Lab } from "./ec2-lab";

jest.setTimeout(120_000);

const names = ["ec2-a", "ec2-b"] as const;
const sysctl = "/proc/sys/fs/inotify/max_user_instances";
const before = readFileSync(sysctl, "utf8");

let labs: Ec2Lab[];
let a: Ec2Lab;
let b: Ec2Lab;
let first: Instance;
let second: Instance;
let elsewhere: Instance;

beforeAll(async () => {
  await Promise.all([...names.map(removeLab), buildPlugins()]);
  const image = baseImage(rootfsDirectory()).id;
  labs = await Promise.all(names.map((name) => Ec2Lab.create(name, image)));
  [a, b] = labs as [Ec2Lab, Ec2Lab];
  await Promise.all(labs.map((lab) => lab.allowTcp(22)));
  // The two labs have the same addresses inside and outside, and don't know of each other.
  [first, second, elsewhere] = await Promise.all([a.launch("10.0.1.10"), a.launch("10.0.1.11"), b.launch("10.0.1.10")]);
}, 600_000);

afterAll(async () => {
  labs?.forEach((lab) => lab.forgetKeys());
  await Promise.all(names.map(removeLab));
}, 60_000);

function publicIp(lab: Ec2Lab, instance: Instance): string {
  const state = lab.cloud.read();
  return publicAddressOf(state, state.instances[instance.id] ?? instance) ?? "";
}

test("machines answer over SSH at their public addresses, with the keys and names of their user data", async () => {
  const seen = await a.sshWhenUp(publicIp(a, first), "hostname; id -un; sudo -n id -un; cat /etc/resolv.conf");
  expect(seen.split("\n").slice(0, 3)).toEqual(["ip-10-0-1-10", "ubuntu", "root"]);
  expect(seen).toContain("nameserver 10.0.0.2");
  expect(await a.sshWhenUp(publicIp(a, second), "hostname")).toBe("ip-10-0-1-11\n");
  expect(await b.sshWhenUp(publicIp(b, elsewhere), "hostname")).toBe("ip-10-0-1-10\n");
});

test("machines know each other by their private names", () => {
  const ask = "getent hosts ip-10-0-1-11; getent hosts nobody.example.com || echo nobody";
  expect(a.ssh(publicIp(a, first), ask)).toMatch(/^10\.0\.1\.11 +ip-10-0-1-11.*\nnobody\n$/);
});

test("an instance type's memory and processors are the machine's", () => {
  const seen = a.ssh(
    publicIp(a, first),
    "grep MemTotal /proc/meminfo; cat /sys/fs/cgroup/memory/memory.limit_in_bytes",
  );
  expect(seen).toMatch(/MemTotal: +2097152 kB/);
  // On a machine with version 1 the limit shows inside, too.
  if (existsSync("/sys/fs/cgroup/memory")) expect(seen).toContain(String(2 * 1024 ** 3));
});

test("a closed port is closed, an opened one is open at once, and closes again for new connections", async () => {
  const address = publicIp(a, first);
  a.ssh(address, "sudo systemd-run --quiet socat TCP-LISTEN:30080,fork,reuseaddr EXEC:/bin/true");
  // It listens: the machine itself is let in.
  expect(
    a.ssh(address, "timeout 3 bash -c 'until : < /dev/tcp/127.0.0.1/30080; do sleep 0.1; done' && echo open"),
  ).toBe("open\n");
  expect(a.answers(address, 30080)).toBe(false);
  const rule = await a.allowTcp(30080, "0.0.0.0/0");
  expect(a.answers(address, 30080)).toBe(true);
  await a.cloud.change((state) => removeRule(state, rule));
  expect(a.answers(address, 30080)).toBe(false);
});

test("only a rule for the group itself lets its machines talk to one another", async () => {
  const ping = () => a.ssh(publicIp(a, first), "ping -c1 -W1 10.0.1.11 > /dev/null && echo pong");
  expect(ping()).toBeUndefined();
  await a.allow({ protocol: "-1", referencedGroupId: a.groupId });
  expect(ping()).toBe("pong\n");
});

test("what leaves is subject to egress rules and routes", async () => {
  const out = () => a.ssh(publicIp(a, first), "timeout 2 ping -c1 -W1 198.51.100.20 > /dev/null && echo out");
  expect(out()).toBe("out\n");
  const { groupId: group } = a;
  const everywhere = { groupId: group, direction: "egress" as const, protocol: "-1", cidrIpv4: "0.0.0.0/0" };
  const rules = Object.values(a.cloud.read().rules);
  const egress = rules.find(({ groupId, direction }) => groupId === group && direction === "egress");
  await a.cloud.change((state) => removeRule(state, egress?.id ?? ""));
  // The answer of an SSH connection from outside may leave: groups are stateful.
  expect(out()).toBeUndefined();
  expect(a.ssh(publicIp(a, first), "echo here")).toBe("here\n");
  await a.cloud.change((state) => addRule(state, everywhere));
  expect(out()).toBe("out\n");
  const [route] = a.cloud.read().routeTables[a.tableId]?.routes ?? [];
  await a.cloud.change((state) => deleteRoute(state, a.tableId, "0.0.0.0/0"));
  expect(a.answers(publicIp(a, first), 22)).toBe(false);
  await a.cloud.change((state) =>
    createRoute(state, a.tableId, { destination: "0.0.0.0/0", gatewayId: route?.gatewayId ?? "" }),
  );
  expect(out()).toBe("out\n");
});

test("an Elastic IP moves from machine to machine", async () => {
  const { allocationId, address } = await a.cloud.change((state) => allocateAddress(state, {}));
  const move = (to: Instance) => a.cloud.change((state) => associateAddress(state, allocationId, to.id, true));
  await move(first);
  expect(a.ssh(address, "hostname")).toBe("ip-10-0-1-10\n");
  // The machine goes out by it, too.
  const seenAs = a.ssh(address, "echo $SSH_CONNECTION");
  expect(seenAs).toContain("198.51.100.10");
  await move(second);
  expect(a.ssh(address, "hostname")).toBe("ip-10-0-1-11\n");
  // Machines reach one another by their public addresses through the gateway and back.
  const port = await a.allowTcp(22, "203.0.113.0/24");
  expect(a.ssh(publicIp(a, first), `timeout 3 bash -c 'head -c 7 < /dev/tcp/${address}/22'`)).toBe("SSH-2.0");
  await a.cloud.change((state) => removeRule(state, port));
});

test("a machine can't send from an address that isn't its own", () => {
  const spoof =
    "sudo ip address add 10.0.1.77/24 dev ens5; ping -I 10.0.1.77 -c1 -W1 10.0.1.11 > /dev/null && echo lies";
  expect(a.ssh(publicIp(a, first), spoof)).toBeUndefined();
});

test("a reboot keeps the disk, so does a change of type", async () => {
  const address = publicIp(a, second);
  a.ssh(address, "echo kept > note; sync; sudo systemctl reboot");
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await a.sshWhenUp(address, "cat note")).toBe("kept\n");
  await a.cloud.resize(second.id, "t3.medium", second.userData);
  const seen = await a.sshWhenUp(publicIp(a, second), "cat note; grep MemTotal /proc/meminfo");
  expect(seen).toMatch(/^kept\nMemTotal: +4194304 kB/);
});

test("a terminated machine leaves nothing, and its address is free", async () => {
  await a.cloud.terminate(second.id);
  expect(existsSync(join(a.lab.dir, "ec2", "instances", second.id))).toBe(false);
  expect(existsSync(`/run/netns/${a.lab.namespace}-${second.id}`)).toBe(false);
  expect((await listLeftovers(a.lab.name)).filter((line) => line.includes(second.id))).toEqual([]);
  second = await a.launch("10.0.1.11");
  expect(await a.sshWhenUp(publicIp(a, second), "hostname")).toBe("ip-10-0-1-11\n");
});

test("a killed machine is known to be dead", async () => {
  expect(deadInstances(b.lab.dir)).toEqual([]);
  const pids = readFileSync(
    `/sys/fs/cgroup/pids/daybreak-${b.lab.name}/${elsewhere.id}/supervisor/cgroup.procs`,
    "utf8",
  );
  const machine = `/sys/fs/cgroup/pids/daybreak-${b.lab.name}/${elsewhere.id}/machine/cgroup.procs`;
  for (const pid of `${pids}${readFileSync(machine, "utf8")}`.trim().split("\n")) process.kill(Number(pid), "SIGKILL");
  const end = Date.now() + 5000;
  while (deadInstances(b.lab.dir).length === 0 && Date.now() < end)
    await new Promise((resolve) => setTimeout(resolve, 50));
  expect(deadInstances(b.lab.dir)).toEqual([elsewhere.id]);
});

test("removing one lab leaves nothing of it and the other one whole", async () => {
  // A process of the lab that somebody forgot.
  const left = spawn("nsenter", [`--net=/run/netns/${b.lab.namespace}`, "sleep", "600"], { stdio: "ignore" });
  await removeLab(b.lab.name);
  expect(await listLeftovers(b.lab.name)).toEqual([]);
  expect(
    left.killed || left.exitCode !== null || left.signalCode !== null || !existsSync(`/proc/${left.pid}/exe`),
  ).toBe(true);
  expect(a.ssh(publicIp(a, first), "hostname")).toBe("ip-10-0-1-10\n");
  await removeLab(a.lab.name);
  expect(await listLeftovers(a.lab.name)).toEqual([]);
  if (!existsSync("/var/lib/daybreak/host.json")) expect(readFileSync(sysctl, "utf8")).toBe(before);
});
