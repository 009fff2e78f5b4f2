import { stringify } from "yaml";

const CONFIG_DIR = "/etc/kubernetes/daybreak";
const AUDIT_LOG_DIR = "/var/log/kubernetes/audit";

/** Files that the API server reads or writes besides kubeadm's own: where they are, and the flags and mounts that go with them. */
export const apiServerFiles = {
  flags: {
    "encryption-provider-config": `${CONFIG_DIR}/encryption.yaml`,
    "audit-policy-file": `${CONFIG_DIR}/audit-policy.yaml`,
    "audit-log-path": `${AUDIT_LOG_DIR}/audit.log`,
    // At most 5 files of 50 MB, none older than a week.
    "audit-log-maxsize": "50",
    "audit-log-maxbackup": "4",
    "audit-log-maxage": "7",
  },
  volumes: [
    { name: "daybreak", hostPath: CONFIG_DIR, mountPath: CONFIG_DIR, readOnly: true, pathType: "Directory" },
    { name: "audit-log", hostPath: AUDIT_LOG_DIR, mountPath: AUDIT_LOG_DIR, pathType: "DirectoryOrCreate" },
  ],
} as const;

/** Encrypts Secrets in etcd with a 32-byte key (base64); Secrets written before are still read. */
export function encryptionConfiguration(key: string): string {
  return stringify({
    apiVersion: "apiserver.config.k8s.io/v1",
    kind: "EncryptionConfiguration",
    resources: [
      {
        resources: ["secrets"],
        providers: [{ secretbox: { keys: [{ name: "key1", secret: key }] } }, { identity: {} }],
      },
    ],
  });
}

/** Who changed what: names without contents, and nothing of the components' constant reading and heartbeats. */
export function auditPolicy(): string {
  return stringify({
    apiVersion: "audit.k8s.io/v1",
    kind: "Policy",
    omitStages: ["RequestReceived"],
    rules: [
      { level: "None", nonResourceURLs: ["/healthz*", "/livez*", "/readyz*", "/version", "/metrics"] },
      { level: "None", resources: [{ group: "coordination.k8s.io", resources: ["leases"] }] },
      { level: "None", resources: [{ group: "", resources: ["events"] }, { group: "events.k8s.io" }] },
      {
        level: "None",
        verbs: ["get", "list", "watch"],
        userGroups: ["system:nodes", "system:serviceaccounts:kube-system", "system:serviceaccounts:kube-flannel"],
      },
      {
        level: "None",
        users: ["system:kube-scheduler", "system:kube-controller-manager", "system:kube-proxy", "system:apiserver"],
        verbs: ["get", "list", "watch"],
      },
      { level: "Metadata" },
    ],
  });
}
