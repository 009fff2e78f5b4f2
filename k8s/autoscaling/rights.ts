import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

type Rule = k8s.types.input.rbac.v1.PolicyRule;

/** Upstream's names, all of them. */
export const METRICS_SERVER_NAMES = {
  namespace: "kube-system",
  /** Of the account, the Service and the Deployment. */
  all: "metrics-server",
  role: "system:metrics-server",
  reader: "system:aggregated-metrics-reader",
  delegator: "metrics-server:system:auth-delegator",
  authentication: "metrics-server-auth-reader",
} as const;

const NAMES = METRICS_SERVER_NAMES;
const READ = ["get", "list", "watch"];
const LABELS = { "k8s-app": NAMES.all };

/** It reads the kubelets' figures, and which nodes and pods there are; nothing of what is in them. */
const OWN_RULES: Rule[] = [
  { apiGroups: [""], resources: ["nodes/metrics"], verbs: ["get"] },
  { apiGroups: [""], resources: ["pods", "nodes"], verbs: READ },
];

/**
 * What metrics-server may do, and who may ask it: everybody with Kubernetes' roles `view`, `edit` and `admin`. It asks the
 * API server whether somebody may, as every API beside Kubernetes' own does.
 */
export class MetricsServerRights extends pulumi.ComponentResource {
  readonly account: k8s.core.v1.ServiceAccount;
  readonly bindings: readonly pulumi.Resource[];

  constructor(name: string, args: Record<string, never>, opts?: pulumi.ComponentResourceOptions) {
    super("daybreak:k8s:MetricsServerRights", name, args, opts);
    const { namespace } = NAMES;
    this.account = new k8s.core.v1.ServiceAccount(
      NAMES.all,
      { metadata: { name: NAMES.all, namespace, labels: LABELS } },
      { parent: this },
    );
    const aggregated = ["view", "edit", "admin"].map((role) => [
      `rbac.authorization.k8s.io/aggregate-to-${role}`,
      "true",
    ]);
    this.role(
      NAMES.reader,
      [{ apiGroups: ["metrics.k8s.io"], resources: ["pods", "nodes"], verbs: READ }],
      Object.fromEntries(aggregated) as Record<string, string>,
    );
    const own = this.role(NAMES.role, OWN_RULES);
    this.bindings = [
      this.clusterBinding(NAMES.role, own.metadata.name),
      this.clusterBinding(NAMES.delegator, "system:auth-delegator"),
      new k8s.rbac.v1.RoleBinding(
        NAMES.authentication,
        {
          metadata: { name: NAMES.authentication, namespace, labels: LABELS },
          roleRef: { ...ROLE, kind: "Role", name: "extension-apiserver-authentication-reader" },
          subjects: SUBJECTS,
        },
        { parent: this },
      ),
    ];
    this.registerOutputs({ account: this.account.metadata.name });
  }

  private role(name: string, rules: Rule[], labels: Record<string, string> = {}): k8s.rbac.v1.ClusterRole {
    const metadata = { name, labels: { ...LABELS, ...labels } };
    return new k8s.rbac.v1.ClusterRole(name, { metadata, rules }, { parent: this });
  }

  private clusterBinding(name: string, role: pulumi.Input<string>): k8s.rbac.v1.ClusterRoleBinding {
    return new k8s.rbac.v1.ClusterRoleBinding(
      name,
      { metadata: { name, labels: LABELS }, roleRef: { ...ROLE, kind: "ClusterRole", name: role }, subjects: SUBJECTS },
      { parent: this },
    );
  }
}

const ROLE = { apiGroup: "rbac.authorization.k8s.io" };
const SUBJECTS = [{ kind: "ServiceAccount", name: NAMES.all, namespace: NAMES.namespace }];
