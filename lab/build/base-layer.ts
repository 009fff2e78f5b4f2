import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { hashOf } from "../cache";
import { cachedLayer, GROUP, NSSWITCH, PASSWD, writeAccounts } from "./layers";
import type { LayerFile } from "./registry";
import type { StepLog } from "./run";

/** What the small Debian system in images consists of: packet filters, a shell, its usual commands, curl. */
const PACKAGES = [
  ...["dash", "coreutils", "grep", "sed", "findutils", "procps"],
  ...["iptables", "nftables", "iproute2", "conntrack", "ebtables", "iputils-ping"],
  ...["curl", "ca-certificates"],
];

/**
 * Lists, relative to the root, the files of the packages and every library they load. xtables' plugins are loaded by
 * name, so their own libraries (libm of libxt_statistic, without which kube-proxy never syncs) count as well; `iptables`
 * itself is a link that the package's installation chose.
 */
const LIST_FILES = `
set -eu
files=$(dpkg-query -L ${PACKAGES.join(" ")} | sort -u | sed -E 's#^/(s?bin|lib|lib64)/#/usr/\\1/#')
for file in $files; do
  if [ -L "$file" ] || [ -f "$file" ]; then echo "$file"; fi
done > /tmp/files
loaded=$(grep -E '^/usr/(s?bin|lib/[^/]*/xtables)/' /tmp/files)
ldd $loaded 2>/dev/null | grep -oE '/[^ ]+\\.so[^ ]*' | grep -v ':$' | sed -E 's#^/(lib|lib64)/#/usr/\\1/#' | sort -u > /tmp/libraries
for library in $(cat /tmp/libraries); do echo "$library"; readlink -f "$library"; done >> /tmp/files
for link in $(find /usr/bin /usr/sbin -lname '/etc/alternatives/*'); do
  if grep -qxF "$(readlink -f "$link")" /tmp/files; then echo "$link"; readlink "$link"; fi
done > /tmp/links
cat /tmp/links >> /tmp/files
echo /etc/ssl/certs/ca-certificates.crt >> /tmp/files
for link in /bin /sbin /lib /lib64; do echo "$link"; done >> /tmp/files
sort -u /tmp/files | sed 's#^/##'
rm /tmp/files /tmp/libraries /tmp/links
`;

/** What the layer is made of. */
export function baseLayerKey(rootfs: string): string {
  return hashOf(rootfs, LIST_FILES, PASSWD, GROUP, NSSWITCH);
}

/**
 * The small Debian system below images that need more than one static program, taken out of the machines' root file
 * system, so that it is downloaded and unpacked once.
 */
export function baseLayer(rootfs: string, log: StepLog): Promise<LayerFile> {
  return cachedLayer(baseLayerKey(rootfs), log, async (tree) => {
    const list = `${tree}.list`;
    writeFileSync(list, await log.run("chroot", [join(rootfs, "rootfs"), "sh", "-c", LIST_FILES]));
    const copy = 'tar --create --no-recursion --directory "$1" --files-from "$2" | tar --extract --directory "$3"';
    await log.run("sh", ["-c", copy, "sh", join(rootfs, "rootfs"), list, tree]);
    writeAccounts(tree);
  });
}
