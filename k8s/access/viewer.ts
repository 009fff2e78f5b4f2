import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

export interface ViewerArgs {
  /** The user that the viewer's certificate names. */
  user: pulumi.Input<string>;
}

type Rule = k8s.types.input.rbac.v1.PolicyRule;

const READ = ["get", "list", "watch"];

/**
 * What Kubernetes' own role `view` leaves out and somebody who looks for a fault needs: nodes, volumes, the measured
 * use, and what the mesh and the monitoring are told. Nothing here holds a Secret, and nothing lets in to a pod:
 * `nodes/proxy` would, and is not among them.
 */
export const VIEWER_RULES = [
  { apiGroups: [""], resources: ["nodes", "persistentvolumes"], verbs: READ },
  { apiGroups: [""], resources: ["nodes/metrics", "nodes/stats"], verbs: ["get"] },
  { apiGroups: ["metrics.k8s.io"], resources: ["nodes", "pods"], verbs: READ },
  { apiGroups: ["storage.k8s.io"], resources: ["storageclasses"], verbs: READ },
  { apiGroups: ["apiextensions.k8s.io"], resources: ["customresourcedefinitions"], verbs: READ },
  { apiGroups: ["gateway.networking.k8s.io", "linkerd.io", "policy.linkerd.io"], resources: ["*"], verbs: READ },
  {
    apiGroups: ["monitoring.coreos.com"],
    resources: ["alertmanagers", "podmonitors", "probes", "prometheuses", "prometheusrules", "servicemonitors"],
    verbs: READ,
  },
] satisfies Rule[];

/**
 * Lets the viewer read the cluster, Secrets excepted, and change nothing: Kubernetes' role `view` and {@link VIEWER_RULES}.
 *
 * The rights are bound to one user's name, which goes with one key: a new key ends what the old certificate could do.
 */
export class Viewer extends pulumi.ComponentResource {
  private readonly bindings: readonly k8s.rbac.v1.ClusterRoleBinding[];

  constructor(name: string, args: ViewerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("daybreak:k8s:Viewer", name, {}, opts);
    const role = new k8s.rbac.v1.ClusterRole(
      "daybreak-viewer",
      { metadata: { name: "daybreak-viewer" }, rules: VIEWER_RULES },
      { parent: this },
    );
    this.bindings = [this.binding("view", "view", args.user), this.binding("more", role.metadata.name, args.user)];
    this.registerOutputs({ role: role.metadata.name });
  }

  /** The kubeconfig, once it is good for something; secret. */
  granted(kubeconfig: pulumi.Input<string>): pulumi.Output<string> {
    const ids = pulumi.all(this.bindings.map(({ id }) => id));
    return pulumi.secret(pulumi.all([kubeconfig, ids]).apply(([text]) => text));
  }

  private binding(suffix: string, role: pulumi.Input<string>, user: pulumi.Input<string>) {
    const name = `daybreak-viewer-${suffix}`;
    return new k8s.rbac.v1.ClusterRoleBinding(
      name,
      {
        metadata: { name },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
        subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: user }],
      },
      { parent: this },
    );
  }
}
