import { stringify } from "yaml";

import { API_PORT } from "./kubeadm-config";

export interface KubeconfigArgs {
  clusterName: string;
  /** Who it is for, as `kubectl config` shows it. */
  role: "admin" | "viewer";
  /** The Elastic IP. */
  publicAddress: string;
  authorityCertificate: string;
  clientCertificate: string;
  clientKey: string;
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** Somebody's kubeconfig. Holds a private key: keep it a secret output. */
export function kubeconfig(args: KubeconfigArgs): string {
  const { clusterName } = args;
  const user = `${clusterName}-${args.role}`;
  return stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        {
          name: clusterName,
          cluster: {
            server: `https://${args.publicAddress}:${API_PORT}`,
            "certificate-authority-data": base64(args.authorityCertificate),
          },
        },
      ],
      users: [
        {
          name: user,
          user: {
            "client-certificate-data": base64(args.clientCertificate),
            "client-key-data": base64(args.clientKey),
          },
        },
      ],
      contexts: [{ name: clusterName, context: { cluster: clusterName, user } }],
      "current-context": clusterName,
    },
    { lineWidth: 0 },
  );
}
