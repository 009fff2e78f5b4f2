/** What a change of an object's inputs means: an update, a replacement, and whether the old one has to go first. */
import type { Difference, Properties } from "../server/provider";
import { changedProperties, same } from "../server/schema";
import { isPlainObject } from "../server/values";
import type { Settings } from "./cluster";
import { at, groupOf, textAt } from "./object";
import { isAutonamed, isNamed } from "./name";

/** Paths that the API doesn't let change, by kind; the same list as the upstream provider's. */
const SELECTOR = ["spec.selector"];
const IMMUTABLE: Record<string, readonly string[]> = {
  "apps/DaemonSet": SELECTOR,
  "apps/Deployment": SELECTOR,
  "apps/StatefulSet": [
    ...SELECTOR,
    "spec.podManagementPolicy",
    "spec.revisionHistoryLimit",
    "spec.serviceName",
    "spec.volumeClaimTemplates",
  ],
  "batch/Job": [...SELECTOR, "spec.completions", "spec.parallelism", "spec.template"],
  "/PersistentVolumeClaim": [...SELECTOR, "spec.accessModes", "spec.storageClassName", "spec.volumeName"],
  "/ResourceQuota": ["spec.scopes"],
  "/Service": ["spec.clusterIP"],
  "rbac.authorization.k8s.io/RoleBinding": ["roleRef"],
  "rbac.authorization.k8s.io/ClusterRoleBinding": ["roleRef"],
  "storage.k8s.io/StorageClass": ["parameters", "provisioner"],
};

/** Of a Pod's spec only these may change; everything else needs a new Pod. */
const POD_MUTABLE = ["activeDeadlineSeconds", "tolerations", "schedulingGates"];
/** Of a PersistentVolume's spec only these may change: its source is fixed. */
const VOLUME_MUTABLE = [
  "accessModes",
  "capacity",
  "claimRef",
  "mountOptions",
  "nodeAffinity",
  "persistentVolumeReclaimPolicy",
  "storageClassName",
  "volumeAttributesClassName",
  "volumeMode",
];

/**
 * Compares the inputs of the last update with the new ones. A namespace left out equals `default`, so that writing it
 * down changes nothing.
 */
export function diffObjects(olds: Properties, news: Properties, settings: Settings): Difference {
  const [before, after] = [withNamespace(olds), withNamespace(news)];
  const updates = changedProperties(before, after);
  if (updates.length === 0) return { changes: false };
  const replaces = replacedPaths(before, after, settings).map((path) => path.split(".")[0] ?? path);
  const samePlace =
    textAt(before, "metadata.name") === textAt(after, "metadata.name") &&
    textAt(before, "metadata.namespace") === textAt(after, "metadata.namespace");
  return {
    changes: true,
    updates,
    replaces: [...new Set(replaces)],
    deleteBeforeReplace: replaces.length > 0 && samePlace && isNamed(after) && !isAutonamed(after),
  };
}

function withNamespace(object: Properties): Properties {
  if (!isPlainObject(object.metadata)) return object;
  return { ...object, metadata: { namespace: "default", ...object.metadata } };
}

/** Paths whose change needs a new object. */
export function replacedPaths(olds: Properties, news: Properties, settings: Settings): string[] {
  const paths = ["apiVersion", "kind", "metadata.name", "metadata.namespace", ...immutablePaths(olds, news, settings)];
  return paths.filter((path) => !unchanged(path, olds, news));
}

function unchanged(path: string, olds: Properties, news: Properties): boolean {
  // A newer API version of the same kind is the same object.
  if (path === "apiVersion") return groupOf(textAt(olds, path)) === groupOf(textAt(news, path));
  return same(at(olds, path), at(news, path));
}

function immutablePaths(olds: Properties, news: Properties, settings: Settings): string[] {
  const kind = textAt(news, "kind");
  const name = `${groupOf(textAt(news, "apiVersion"))}/${kind}`;
  const fixed = olds.immutable === true || news.immutable === true;
  if (name === "/Secret") return fixed || !settings.enableSecretMutable ? ["type", "data", "stringData"] : ["type"];
  if (name === "/ConfigMap") return fixed || !settings.enableConfigMapMutable ? ["data", "binaryData"] : [];
  if (name === "/Pod") return specPathsBut(POD_MUTABLE, olds, news);
  if (name === "/PersistentVolume") return specPathsBut(VOLUME_MUTABLE, olds, news);
  return [...(IMMUTABLE[name] ?? [])];
}

function specPathsBut(mutable: readonly string[], ...objects: Properties[]): string[] {
  const keys = objects.flatMap((object) => Object.keys((object.spec as object | undefined) ?? {}));
  return [...new Set(keys)].filter((key) => !mutable.includes(key)).map((key) => `spec.${key}`);
}
