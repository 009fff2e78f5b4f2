/** What Helm has written down about a release: a Secret for each revision, read and, where needed, set right. */
import { gunzipSync, gzipSync } from "node:zlib";
import type { Properties } from "../server/provider";
import { isPlainObject } from "../server/values";
import type { Cluster } from "./cluster";
import { type KubeObject, listAt, numberAt, textAt } from "./object";

/** Label that marks a release as made by a resource, so that the resource finds its own again after a kill. */
export const OWNER_LABEL = "pulumi.com/resource";

/** A revision, without its contents. */
export interface Revision {
  /** Name of the Secret that holds it. */
  secret: string;
  revision: number;
  /** Helm's status: deployed, failed, pending-install, pending-upgrade, pending-rollback, superseded, uninstalling … */
  status: string;
  /** Owner as in OWNER_LABEL; "" = not made by this plugin. */
  owner: string;
}

/** A revision with what is in it. */
export interface Release extends Revision {
  name: string;
  namespace: string;
  chart: { name: string; version: string; appVersion: string };
  /** Values given to it. */
  values: Properties;
  /** Names of its objects by `Kind.group/apiVersion`, as `namespace/name` where they name a namespace. */
  resourceNames: Record<string, string[]>;
  /** Helm's own note about how it went. */
  description: string;
}

const SECRETS = (namespace: string) => `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets`;

/** The revisions of a release, the newest last; none = there is no such release. */
export async function revisionsOf(cluster: Cluster, namespace: string, name: string): Promise<Revision[]> {
  const answer = await cluster.connection.send({
    method: "GET",
    path: SECRETS(namespace),
    query: { labelSelector: `owner=helm,name=${name}` },
    // Labels are enough: a revision of a large chart is a megabyte.
    accept: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
  });
  const revisions = (listAt(answer, "items") as KubeObject[]).map(({ metadata }) => ({
    secret: metadata.name,
    revision: Number(metadata.labels?.version),
    status: metadata.labels?.status ?? "",
    owner: metadata.labels?.[OWNER_LABEL] ?? "",
  }));
  return revisions.sort((a, b) => a.revision - b.revision);
}

/** The newest revision with its contents; undefined = there is no such release. */
export async function newestRelease(cluster: Cluster, namespace: string, name: string): Promise<Release | undefined> {
  const newest = (await revisionsOf(cluster, namespace, name)).pop();
  if (!newest) return undefined;
  const path = `${SECRETS(namespace)}/${newest.secret}`;
  const record = unpack(await cluster.connection.send({ method: "GET", path }));
  const chart = (key: string) => textAt(record, `chart.metadata.${key}`);
  return {
    ...newest,
    name,
    namespace,
    revision: numberAt(record, "version", newest.revision),
    status: textAt(record, "info.status") || newest.status,
    chart: { name: chart("name"), version: chart("version"), appVersion: chart("appVersion") },
    values: isPlainObject(record.config) ? record.config : {},
    resourceNames: namesIn(textAt(record, "manifest")),
    description: textAt(record, "info.description"),
  };
}

/**
 * Marks a revision that was left pending by a killed helm as failed: from there `helm upgrade` goes on with what is
 * there, where it would refuse with "another operation is in progress".
 */
export async function markFailed(cluster: Cluster, namespace: string, revision: Revision): Promise<void> {
  const path = `${SECRETS(namespace)}/${revision.secret}`;
  const record = unpack(await cluster.connection.send({ method: "GET", path }));
  const info = isPlainObject(record.info) ? record.info : {};
  const failed = { ...record, info: { ...info, status: "failed", description: "left unfinished by a killed update" } };
  await cluster.connection.send({
    method: "PATCH",
    path,
    contentType: "application/merge-patch+json",
    body: { metadata: { labels: { status: "failed" } }, data: { release: pack(failed) } },
  });
}

/** Reads the contents of a revision's Secret: JSON, gzipped, in base64, and again in base64 as every Secret's data. */
export function unpack(secret: unknown): Properties {
  const bytes = Buffer.from(Buffer.from(textAt(secret, "data.release"), "base64").toString("utf8"), "base64");
  const gzipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const record: unknown = JSON.parse((gzipped ? gunzipSync(bytes) : bytes).toString("utf8"));
  return isPlainObject(record) ? record : {};
}

/** The opposite of `unpack`: what goes into `data.release`. */
export function pack(record: Properties): string {
  return Buffer.from(gzipSync(JSON.stringify(record)).toString("base64")).toString("base64");
}

/**
 * Names of the objects of a manifest, grouped as `Kind.group/apiVersion`. Reads only the lines that helm's own output
 * always has at these places: a YAML parser takes seconds for the manifest of a monitoring stack.
 */
export function namesIn(manifest: string): Record<string, string[]> {
  const groups = new Map<string, Set<string>>();
  for (const document of manifest.split(/^---.*$/m)) {
    const apiVersion = field(document, "apiVersion");
    const kind = field(document, "kind");
    const [, metadata = ""] = /^metadata:[ \t]*\n((?:[ \t]+.*\n?|\s*\n|#.*\n?)*)/m.exec(document) ?? [];
    const indent = /^[ \t]+/.exec(metadata)?.[0] ?? "  ";
    const name = field(metadata, "name", indent);
    if (!apiVersion || !kind || !name) continue;
    const namespace = field(metadata, "namespace", indent);
    const group = apiVersion.includes("/") ? `.${apiVersion.split("/")[0]}` : "";
    const key = `${kind}${group}/${apiVersion}`;
    groups.set(key, (groups.get(key) ?? new Set()).add(namespace ? `${namespace}/${name}` : name));
  }
  return Object.fromEntries([...groups].sort().map(([key, names]) => [key, [...names].sort()]));
}

function field(text: string, key: string, indent = ""): string {
  const match = new RegExp(`^${indent}${key}:[ \\t]*["']?([^"'#\\s]+)["']?`, "m").exec(text);
  return match?.[1] ?? "";
}
