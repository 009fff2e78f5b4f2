import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { hashOf, hashOfPath, inCache, makeDirectory } from "../cache";
import { machineSources, sourceLines, transferSettings } from "./debian";
import type { StepLog } from "./run";

/** Files copied into the machine image as they are. */
const FILES = join(__dirname, "rootfs");

/** What a cloud image of Ubuntu brings along, as far as a node or its administrator uses it. */
const PACKAGES = [
  ...["systemd", "systemd-sysv", "dbus", "libpam-systemd", "openssh-server", "sudo"],
  ...["iptables", "nftables", "iproute2", "conntrack", "socat", "ethtool", "ebtables", "iputils-ping", "netbase"],
  ...["ca-certificates", "curl", "gnupg", "openssl", "jq", "less", "bash-completion"],
  ...["kmod", "mount", "procps", "psmisc", "lsof", "e2fsprogs"],
];

/** What a node installs that its distribution offers; fetched here because the lab's mirror serves it. */
const NODE_PACKAGES = ["containerd", "runc"];

/** Documentation and translations, half of a small system. */
const EXCLUDED = ["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*"];

/** Runs in the finished tree (`$1`): the user of Ubuntu's images, and nothing that two machines must not share. */
const FINISH = `
set -eu
chroot "$1" useradd --create-home --shell /bin/bash --uid 1000 --user-group --groups adm,sudo ubuntu
chroot "$1" systemctl set-default multi-user.target
rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/apt/sources.list "$1"/etc/hostname "$1"/etc/resolv.conf
: > "$1/etc/machine-id"
cp -R "$FILES/." "$1/"
chown -R root:root "$1/etc/sudoers.d" "$1/etc/ssh/sshd_config.d"
chmod 0440 "$1"/etc/sudoers.d/*
`;

/** Fetches the node's packages with all that the tree lacks for them. */
const FETCH = `
set -eu
mkdir -p "$DEBS/partial"
APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get --yes --no-install-recommends --download-only \\
  -o Dir::Cache::archives="$DEBS" -o APT::Sandbox::User=root install ${NODE_PACKAGES.join(" ")}
rm -rf "$DEBS/partial" "$DEBS/lock"
`;

/** Where the built file system lies: `rootfs/` is the tree, `debs/` the node's packages from the distribution. */
export function rootfsDirectory(): string {
  const key = hashOf(PACKAGES, NODE_PACKAGES, EXCLUDED, FINISH, FETCH, hashOfPath(FILES), suite());
  return inCache("rootfs", key);
}

/** The folder of the packages that a node installs from the distribution. */
export function distributionPackages(rootfs: string): string {
  return join(rootfs, "debs");
}

function suite(): string {
  return machineSources()[0]?.suite ?? "";
}

/** Makes the machines' root file system of this machine's own package sources. */
export async function buildRootfs(log: StepLog): Promise<void> {
  await makeDirectory(rootfsDirectory(), async (directory) => {
    // Root outside, readable inside: sshd refuses a world-writable path, and the tree keeps its own modes.
    const debs = distributionPackages(directory);
    const hooks = join(directory, "hooks");
    mkdirSync(hooks);
    writeFileSync(join(hooks, "fetch"), `#!/bin/sh\n${FETCH}`, { mode: 0o755 });
    writeFileSync(join(hooks, "finish"), `#!/bin/sh\n${FINISH}`, { mode: 0o755 });
    const hook = (name: string): string => `--customize-hook=${join(hooks, name)} "$1"`;
    await bootstrap(join(directory, "rootfs"), PACKAGES, log, [hook("fetch"), hook("finish")], {
      FILES,
      DEBS: debs,
    });
  });
}

/**
 * Unpacks and configures a minimal system with some packages into `target`.
 *
 * @param more further arguments of mmdebstrap.
 */
export async function bootstrap(
  target: string,
  packages: readonly string[],
  log: StepLog,
  more: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<void> {
  const sources = machineSources();
  const args = ["--mode=root", "--variant=minbase", "--format=directory", `--include=${packages.join(",")}`];
  args.push(...transferSettings().map((line) => `--aptopt=${line}`));
  args.push(...EXCLUDED.map((path) => `--dpkgopt=path-exclude=${path}`), ...more);
  const list = join(target, "..", "sources.list");
  writeFileSync(list, sourceLines(sources));
  await log.run("mmdebstrap", [...args, sources[0]?.suite ?? "", target, list], { env });
}

/** Copies a tree with owners, modes, links and extended attributes. */
export async function copyTree(from: string, to: string, log: StepLog, hardLinks = false): Promise<void> {
  await log.run("cp", ["--archive", ...(hardLinks ? ["--link"] : []), from, to]);
}
