import type * as k8s from "@pulumi/kubernetes";

/** Security context of a container of ours: no root, no way to more rights, no capabilities. */
export const UNPRIVILEGED = {
  runAsNonRoot: true,
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
} satisfies k8s.types.input.core.v1.SecurityContext;

/** Security context of a pod of ours, run as this user and group. */
export function unprivilegedPod(id: number) {
  return {
    runAsNonRoot: true,
    runAsUser: id,
    runAsGroup: id,
    fsGroup: id,
    seccompProfile: { type: "RuntimeDefault" },
  } satisfies k8s.types.input.core.v1.PodSecurityContext;
}
