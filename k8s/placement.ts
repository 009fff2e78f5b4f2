/**
 * Where the pinned pods go, written once: on the control-plane node, the only one with a fixed public address.
 *
 * Used for productpage, Prometheus, Alertmanager, Grafana, the Prometheus operator, kube-state-metrics and the mesh's
 * control plane. Nothing needs it to work: with `daybreak:pinToControlPlane` off the scheduler places them freely.
 */
export interface Placement {
  nodeSelector: Record<string, string>;
  tolerations: { key: string; operator: "Exists"; effect: "NoSchedule" }[];
}

/** The label that kubeadm puts on control-plane nodes (with an empty value), and the key of their taint. */
const ROLE = "node-role.kubernetes.io/control-plane";

/** To be spread into a pod's spec or into chart values that take both keys; empty when pinning is off. */
export function placement(pinToControlPlane: boolean): Placement | Record<string, never> {
  if (!pinToControlPlane) return {};
  return { nodeSelector: { [ROLE]: "" }, tolerations: [{ key: ROLE, operator: "Exists", effect: "NoSchedule" }] };
}
