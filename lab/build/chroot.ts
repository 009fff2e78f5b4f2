import type { StepLog } from "./run";

/**
 * Enters a tree with mounts, processes and network of its own, so that whatever the script starts ends with it and
 * reaches nothing. Arguments: the tree, the script, then pairs of what is bound from outside and where.
 */
const ENTER = `
tree=$1 script=$2
shift 2
mount -t proc proc "$tree/proc"
mount --rbind /sys "$tree/sys"
mount --rbind /dev "$tree/dev"
mount -t tmpfs tmpfs "$tree/run"
mount -t tmpfs tmpfs "$tree/tmp"
while [ $# -gt 0 ]; do
  mkdir -p "$tree$2"
  mount --bind "$1" "$tree$2"
  shift 2
done
exec chroot "$tree" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \\
  bash -euo pipefail -c "$script"
`;

/**
 * Runs a script inside a system's tree, as root, without network.
 *
 * @param binds folders of this machine by the path at which the script sees them.
 */
export async function runInside(
  tree: string,
  script: string,
  binds: Readonly<Record<string, string>>,
  log: StepLog,
): Promise<void> {
  const isolated = ["--mount", "--pid", "--fork", "--kill-child", "--net", "--ipc", "--propagation", "private"];
  await log.run("unshare", [...isolated, "sh", "-euc", ENTER, "sh", tree, script, ...Object.entries(binds).flat()]);
}
