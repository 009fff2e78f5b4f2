import type { InfraConfig } from "../config/schema";
import { images, KUBERNETES_PACKAGES, kubernetesImages, REGISTRIES } from "../config/versions";
import { auditPolicy, encryptionConfiguration } from "./api-server-files";
import { flannelManifest } from "./flannel";
import { initConfig, joinConfig } from "./kubeadm-config";
import { type Part, remoteScript } from "./remote-script";

/** The settings that every node's script needs. */
export type NodeScriptSettings = Pick<
  InfraConfig,
  "kubernetesVersion" | "podCidr" | "serviceCidr" | "failCgroupV1" | "aptMirror" | "imageMirror"
>;

/** What a script knows of the cluster, all of it known before any machine boots. */
export interface ClusterFacts {
  settings: NodeScriptSettings;
  clusterName: string;
  /** The control plane's addresses: inside the VPC, and the Elastic IP. */
  controlPlaneAddress: string;
  publicAddress: string;
  authority: { certificate: string; privateKey: string; certificateHash: string };
  bootstrapToken: string;
  encryptionKey: string;
}

/** A node by its name and its address inside the VPC. */
export interface NodeIdentity {
  nodeName: string;
  privateAddress: string;
}

export const CONTROL_PLANE_PARTS: readonly Part[] = ["prepare", "control-plane"];
export const WORKER_PARTS: readonly Part[] = ["prepare", "worker"];
export const READY_PARTS: readonly Part[] = ["ready"];

function preparation(settings: NodeScriptSettings, nodeName: string, prepull: readonly string[]) {
  const { kubernetesVersion, aptMirror, imageMirror } = settings;
  const named = (part: string) => kubernetesImages(kubernetesVersion).filter((image) => image.includes(part));
  return {
    NODE_NAME: nodeName,
    KUBERNETES_VERSION: kubernetesVersion,
    PACKAGE_SITE: aptMirror ?? KUBERNETES_PACKAGES.site,
    // A mirror signs with a key of its own.
    PACKAGE_KEY_FINGERPRINT: aptMirror === undefined ? KUBERNETES_PACKAGES.keyFingerprint : "",
    IMAGE_MIRROR: imageMirror ?? "",
    REGISTRIES: REGISTRIES.join(" "),
    SANDBOX_IMAGE: named("/pause:").join(""),
    PREPULL_IMAGES: [...prepull.flatMap(named), images.flannelCniPlugin, images.flannel].join(" "),
  };
}

/** The whole script of the control plane. Secret: it holds the authority's key. */
export function controlPlaneScript(facts: ClusterFacts, { nodeName, privateAddress }: NodeIdentity): string {
  const { settings, clusterName, publicAddress, bootstrapToken } = facts;
  const { podCidr } = settings;
  return remoteScript(CONTROL_PLANE_PARTS, {
    // kubeadm init pulls its own images itself, all at once.
    ...preparation(settings, nodeName, []),
    NODE_ADDRESS: privateAddress,
    PUBLIC_ADDRESS: publicAddress,
    CA_CERTIFICATE: facts.authority.certificate.trim(),
    CA_KEY: facts.authority.privateKey.trim(),
    ENCRYPTION_CONFIG: encryptionConfiguration(facts.encryptionKey),
    AUDIT_POLICY: auditPolicy(),
    KUBEADM_CONFIG: initConfig({ ...settings, nodeName, privateAddress, clusterName, publicAddress, bootstrapToken }),
    FLANNEL_MANIFEST: flannelManifest({ podCidr, controlPlaneAddress: privateAddress }),
  });
}

/** The whole script of a worker. Secret: it holds the bootstrap token. */
export function workerScript(facts: ClusterFacts, { nodeName, privateAddress }: NodeIdentity): string {
  const { settings, controlPlaneAddress, bootstrapToken } = facts;
  const caCertHash = facts.authority.certificateHash;
  return remoteScript(WORKER_PARTS, {
    ...preparation(settings, nodeName, ["/kube-proxy:", "/pause:"]),
    CONTROL_PLANE_ADDRESS: controlPlaneAddress,
    // The token's public half.
    TOKEN_ID: bootstrapToken.split(".")[0] ?? "",
    CA_CERTIFICATE: facts.authority.certificate.trim(),
    KUBEADM_CONFIG: joinConfig({
      nodeName,
      privateAddress,
      failCgroupV1: settings.failCgroupV1,
      bootstrapToken,
      controlPlaneAddress,
      caCertHash,
    }),
  });
}

/** The script that waits, on the control plane, until every one of these nodes is Ready. */
export function readyScript(controlPlane: string, nodeNames: readonly string[]): string {
  return remoteScript(READY_PARTS, { NODE_NAME: controlPlane, NODE_NAMES: nodeNames.join(" ") });
}
