import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { MachineOrder } from "../hardware";
import { instanceTypes } from "../model/instance-types";
import { parseUserData, type CloudConfig } from "./cloud-config";
import { run } from "./command";
import type { Disk } from "./disk";

/** The name EC2 gives a machine by its address: 10.0.1.10 → ip-10-0-1-10. */
export function defaultHostname(privateIp: string): string {
  return `ip-${privateIp.replaceAll(".", "-")}`;
}

/** Writes what cloud-init and EC2's images would set up at the first boot: name, keys, files, and the lab's own part. */
export async function prepareDisk(disk: Disk, order: MachineOrder): Promise<void> {
  const config = parseUserData(order.instance.userData);
  writeNames(disk, order, config.hostname ?? defaultHostname(order.instance.privateIp));
  writeAuthorizedKeys(disk, [order.publicKey ?? [], config.authorizedKeys].flat());
  await writeHostKeys(disk, config.hostKeys);
  writeSystem(disk);
  writeFiles(disk, config);
}

function writeNames(disk: Disk, order: MachineOrder, hostname: string): void {
  const { privateIp } = order.instance;
  const domain = `${order.region}.compute.internal`;
  disk.write("/etc/hostname", `${hostname}\n`);
  disk.write(
    "/etc/hosts",
    `127.0.0.1 localhost\n${privateIp} ${hostname}.${domain} ${hostname}\n::1 localhost ip6-localhost ip6-loopback\n`,
  );
  disk.link("/etc/resolv.conf", "/etc/resolv.conf.ec2");
  disk.write("/etc/resolv.conf.ec2", `nameserver ${order.nameServer}\nsearch ${domain}\n`);
}

function writeAuthorizedKeys(disk: Disk, keys: string[]): void {
  const { home } = disk.user("ubuntu");
  disk.makeFolder(`${home}/.ssh`, { mode: 0o700, owner: "ubuntu" });
  const lines = [...new Set(keys.map((key) => key.trim()))].map((key) => `${key}\n`);
  disk.write(`${home}/.ssh/authorized_keys`, lines.join(""), { mode: 0o600, owner: "ubuntu" });
}

/** The machine has the keys of its user data and no others; without any it gets a new one. */
async function writeHostKeys(disk: Disk, given: Record<string, string>): Promise<void> {
  const keys = Object.keys(given).length > 0 ? given : await newHostKey();
  for (const name of disk.list("/etc/ssh").filter((file) => /^ssh_host_.*_key(\.pub)?$/.test(file))) {
    await disk.hide(`/etc/ssh/${name}`);
  }
  for (const [name, text] of Object.entries(keys)) {
    disk.write(`/etc/ssh/${name}`, text, { mode: name.endsWith(".pub") ? 0o644 : 0o600 });
  }
}

async function newHostKey(): Promise<Record<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), "daybreak-hostkey-"));
  try {
    const file = join(folder, "key");
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file]);
    return {
      ssh_host_ed25519_key: readFileSync(file, "utf8"),
      "ssh_host_ed25519_key.pub": readFileSync(`${file}.pub`, "utf8"),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What a machine that shares this machine's kernel needs to behave as one of its own. */
function writeSystem(disk: Disk): void {
  disk.write("/etc/machine-id", `${randomUUID().replaceAll("-", "")}\n`, { mode: 0o444 });
  disk.write("/usr/lib/daybreak-lab/early", earlyScript, { mode: 0o755 });
  disk.write("/etc/systemd/system/daybreak-lab.service", earlyUnit);
  disk.link("/etc/systemd/system/sysinit.target.wants/daybreak-lab.service", "../daybreak-lab.service");
  // The kernel's messages are this machine's, not the lab machine's.
  disk.write("/etc/systemd/journald.conf.d/daybreak-lab.conf", "[Journal]\nReadKMsg=no\n");
  for (const unit of maskedUnits) disk.link(`/etc/systemd/system/${unit}`, "/dev/null");
  // Newer than /usr: systemd then rebuilds no caches at boot.
  for (const folder of ["/etc", "/var"]) disk.write(`${folder}/.updated`, "");
}

/**
 * Units that do nothing here but take time at boot: the network is set up from outside, and there is no console to log
 * in at.
 */
const maskedUnits = [
  "systemd-networkd.service",
  "systemd-networkd.socket",
  "systemd-networkd-wait-online.service",
  "systemd-resolved.service",
  "systemd-firstboot.service",
  "systemd-timesyncd.service",
  "systemd-update-utmp.service",
  "systemd-update-utmp-runlevel.service",
  // Kernel file systems and modules belong to this machine.
  "dev-hugepages.mount",
  "dev-mqueue.mount",
  "sys-kernel-debug.mount",
  "sys-kernel-tracing.mount",
  "sys-kernel-config.mount",
  "sys-fs-fuse-connections.mount",
  "modprobe@.service",
  "systemd-modules-load.service",
  "systemd-remount-fs.service",
  "systemd-udevd.service",
  "systemd-udev-trigger.service",
  "systemd-network-generator.service",
  "systemd-pstore.service",
  "systemd-random-seed.service",
  "systemd-boot-system-token.service",
  "systemd-journal-catalog-update.service",
  "systemd-sysusers.service",
  // A user manager for every SSH connection costs more than all the rest.
  "systemd-logind.service",
  "networking.service",
  "ifupdown-wait-online.service",
  "console-getty.service",
  "getty.target",
  "apt-daily.timer",
  "apt-daily-upgrade.timer",
  "dpkg-db-backup.timer",
  "e2scrub_all.timer",
  "e2scrub_reap.service",
  "fstrim.timer",
  "ldconfig.service",
];

/** Controllers come read-only into a version 1 container; a plain remount says busy, a bind remount doesn't. */
const earlyScript = `#!/bin/sh
if [ ! -e /sys/fs/cgroup/cgroup.controllers ]; then
  mount -o remount,rw /sys/fs/cgroup
  for group in /sys/fs/cgroup/*/; do
    mount -o remount,bind,rw "\${group%/}" || true
  done
  if [ -e /sys/fs/cgroup/cpuset/cgroup.clone_children ]; then
    echo 1 > /sys/fs/cgroup/cpuset/cgroup.clone_children
  fi
fi
if [ -e /etc/daybreak-lab/meminfo ]; then
  mount --bind /etc/daybreak-lab/meminfo /proc/meminfo
fi
exit 0
`;

const earlyUnit = `[Unit]
Description=Make control groups writable and show the instance type's memory
DefaultDependencies=no
Before=sysinit.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/lib/daybreak-lab/early
`;

/** Written at every boot, because the type can change in between: the machine sees its type's memory, not this machine's. */
export function writeMemory(disk: Disk, type: string): void {
  const kib = (instanceTypes[type]?.memoryMib ?? 0) * 1024;
  const lines = { MemTotal: kib, MemFree: kib, MemAvailable: kib, Buffers: 0, Cached: 0, SwapTotal: 0, SwapFree: 0 };
  const text = Object.entries(lines).map(
    ([name, value]) => `${`${name}:`.padEnd(16)}${String(value).padStart(8)} kB\n`,
  );
  disk.write("/etc/daybreak-lab/meminfo", text.join(""));
}

function writeFiles(disk: Disk, config: CloudConfig): void {
  for (const { path, content, mode, owner, group, append } of config.files) {
    disk.write(path, content, { mode, owner, append, ...(group === undefined ? {} : { group }) });
  }
}
