import type { RuleGroup } from "./rule";

/**
 * Bytes free on a node's disk below which eviction is near: the kubelet removes images at 2 GiB and pods at 1 GiB
 * (infra/kubeadm-config.ts). The chart's own rules look at 3 to 15 % of the disk and wait half an hour or more.
 */
export const DISK_SHORT = 3 * 2 ** 30;

/** File systems of the kubelet and of containerd: the root's, unless they have a disk of their own. */
export const NODE_DISK = 'mountpoint=~"/|/var/lib/kubelet|/var/lib/containerd",fstype!~"tmpfs|ramfs"';

export const DISK: RuleGroup = {
  name: "disk",
  rules: [
    {
      alert: "NodeDiskNearEviction",
      expr: `min by (node) (node_filesystem_avail_bytes{${NODE_DISK}}) < ${DISK_SHORT}`,
      for: "2m",
      labels: { severity: "critical" },
      annotations: {
        summary: "{{ $value | humanize1024 }}B are free on the disk of node {{ $labels.node }}.",
        description: "The kubelet removes images at 2 GiB and pods at 1 GiB. Set a larger daybreak:rootVolumeGib.",
      },
    },
  ],
};
