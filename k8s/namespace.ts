import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

export interface NamespaceArgs {
  name: string;
  /**
   * Pod Security level that is enforced. A namespace with meshed pods has to be `privileged`: Linkerd's init container
   * redirects the pod's traffic and needs NET_ADMIN and NET_RAW, which `baseline` refuses.
   */
  podSecurity: "privileged" | "baseline" | "restricted";
  /** Level below which the API server warns whoever makes a pod, where the enforced one has to be looser. */
  podSecurityWarning?: "baseline" | "restricted";
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

/** A namespace of ours. Every chart and workload goes into one, so that its Pod Security level is always stated. */
export function namespace(args: NamespaceArgs, opts: pulumi.CustomResourceOptions): k8s.core.v1.Namespace {
  return new k8s.core.v1.Namespace(
    args.name,
    {
      metadata: {
        name: args.name,
        labels: {
          "pod-security.kubernetes.io/enforce": args.podSecurity,
          ...(args.podSecurityWarning && { "pod-security.kubernetes.io/warn": args.podSecurityWarning }),
          ...args.labels,
        },
        ...(args.annotations && { annotations: args.annotations }),
      },
    },
    opts,
  );
}
