/** The lab's stand-in for the Kubernetes provider: its configuration and the types it serves. */
import { KubeConfig } from "@kubernetes/client-node";
import {
  type Checked,
  type Context,
  type Difference,
  type Properties,
  type Provider,
  UNKNOWN,
} from "../server/provider";
import { type PropertySchema, changedProperties } from "../server/schema";
import { Cluster, type Settings } from "./cluster";
import { type KubeconfigSource, clusterIdentity, loadKubeconfig } from "./kubeconfig";
import { RELEASE_TOKEN, releaseResource } from "./release";
import { plainResource } from "./resource";

const text: PropertySchema = { type: "string" };
const flag: PropertySchema = { type: "boolean" };

/** Keys that are served; what the upstream provider knows besides (rendering to a directory …) is refused. */
const CONFIGURATION: Record<string, PropertySchema> = {
  kubeconfig: text,
  context: text,
  cluster: text,
  clusterIdentifier: text,
  namespace: text,
  deleteUnreachable: flag,
  skipUpdateUnreachable: flag,
  enableServerSideApply: flag,
  enablePatchForce: flag,
  upsertExistingObjects: flag,
  enableConfigMapMutable: flag,
  enableSecretMutable: flag,
  suppressDeprecationWarnings: flag,
  suppressHelmHookWarnings: flag,
};

/** Keys that decide which cluster it is. */
const CLUSTER_KEYS = ["kubeconfig", "context", "cluster"];

/** `kubernetes` 4.34.2 as daybreak uses it: any plain resource by server-side apply, and Helm releases. */
export const kubernetes: Provider = {
  name: "kubernetes",
  version: "4.34.2",
  configuration: CONFIGURATION,
  checkConfig,
  diffConfig,
  configure,
  resources: (token) => (token === RELEASE_TOKEN ? releaseResource : plainResource(token)),
};

function checkConfig(news: Properties): Checked {
  const failures = [];
  if (news.enableServerSideApply === false) {
    const reason = "the lab's plugin only does server-side apply; leave this key out";
    failures.push({ property: "enableServerSideApply", reason });
  }
  return { inputs: news, failures };
}

/**
 * Another cluster needs new resources, another way to the same one does not. Which cluster it is says
 * `clusterIdentifier` where it is set, else the active cluster of the kubeconfig.
 */
function diffConfig(olds: Properties, news: Properties): Difference {
  const updates = changedProperties(olds, news);
  const identified = olds.clusterIdentifier !== undefined && news.clusterIdentifier !== undefined;
  if (identified) {
    const replaces = updates.includes("clusterIdentifier") ? ["clusterIdentifier"] : [];
    return { changes: updates.length > 0, updates, replaces };
  }
  const changed = updates.filter((key) => CLUSTER_KEYS.includes(key));
  return { changes: updates.length > 0, updates, replaces: isOtherCluster(olds, news) ? changed : [] };
}

function isOtherCluster(olds: Properties, news: Properties): boolean {
  // Nobody can tell before the update: assume the worst, as upstream does.
  if (CLUSTER_KEYS.some((key) => news[key] === UNKNOWN)) return true;
  const [before, after] = [clusterIdentity(sourceOf(olds)), clusterIdentity(sourceOf(news))];
  return before !== undefined && after !== undefined && before !== after;
}

function sourceOf(config: Properties): KubeconfigSource {
  const get = (key: string) => (typeof config[key] === "string" ? config[key] : undefined);
  return { kubeconfig: get("kubeconfig"), context: get("context"), cluster: get("cluster") };
}

/** A kubeconfig that can't be read makes the cluster unreachable, so that a destroy still has its way out. */
function configure(config: Properties, ctx: Context): Cluster {
  try {
    const kubeconfig = loadKubeconfig(sourceOf(config));
    const ambient = kubeconfig.getContextObject(kubeconfig.getCurrentContext())?.namespace;
    return new Cluster(kubeconfig, settingsOf(config, ambient));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    ctx.log("debug", reason);
    return new Cluster(new KubeConfig(), settingsOf(config, undefined), reason);
  }
}

/** Settings from the configuration, then the environment, which the upstream provider reads too. */
export function settingsOf(config: Properties, contextNamespace: string | undefined): Settings {
  const on = (key: string, variable: string) =>
    config[key] === undefined ? process.env[variable] === "true" : config[key] === true;
  const namespace = typeof config.namespace === "string" ? config.namespace : contextNamespace;
  return {
    namespace: namespace === "default" ? undefined : namespace,
    deleteUnreachable: on("deleteUnreachable", "PULUMI_K8S_DELETE_UNREACHABLE"),
    skipUpdateUnreachable: on("skipUpdateUnreachable", "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE"),
    enablePatchForce: on("enablePatchForce", "PULUMI_K8S_ENABLE_PATCH_FORCE"),
    upsertExistingObjects: on("upsertExistingObjects", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS"),
    enableConfigMapMutable: on("enableConfigMapMutable", "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE"),
    enableSecretMutable: on("enableSecretMutable", "PULUMI_K8S_ENABLE_SECRET_MUTABLE"),
  };
}
