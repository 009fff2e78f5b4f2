/** A Kubernetes object as it goes over the wire, and how to name and look into one. */
import { type Properties, UNKNOWN } from "../server/provider";
import { isPlainObject } from "../server/values";

/** Metadata of a live object; a program's metadata may lack the name until the check fills it. */
export interface Metadata extends Properties {
  name: string;
  namespace?: string;
  uid?: string;
  generation?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  creationTimestamp?: string;
  deletionTimestamp?: string;
  managedFields?: { manager?: string; operation?: string; subresource?: string }[];
}

/** Any Kubernetes object. */
export interface KubeObject extends Properties {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
}

/** Value at a dotted path (`status.conditions`), undefined where the path ends early. Keys must not hold dots. */
export function at(value: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((inner, key) => (isPlainObject(inner) ? inner[key] : undefined), value);
}

/** String at a path, or "" where there is none. */
export function textAt(value: unknown, path: string): string {
  const found = at(value, path);
  return typeof found === "string" ? found : "";
}

/** Number at a path, or `fallback`. */
export function numberAt(value: unknown, path: string, fallback = 0): number {
  const found = at(value, path);
  return typeof found === "number" ? found : fallback;
}

/** List at a path, or an empty one. */
export function listAt(value: unknown, path: string): Properties[] {
  const found = at(value, path);
  return Array.isArray(found) ? found.filter(isPlainObject) : [];
}

/** A condition of `status.conditions` by its type. */
export function conditionOf(object: unknown, type: string): Properties | undefined {
  return listAt(object, "status.conditions").find((condition) => condition.type === type);
}

/** Value of an annotation; "" where there is none or it is not known yet. */
export function annotation(object: unknown, name: string): string {
  const all = at(object, "metadata.annotations");
  const value = isPlainObject(all) ? all[name] : undefined;
  return typeof value === "string" ? value : "";
}

/** Id of a resource: `namespace/name`, or the name alone of what has no namespace. */
export function idOf(object: KubeObject): string {
  const { namespace, name } = object.metadata;
  return namespace ? `${namespace}/${name}` : name;
}

/** Reads an id back. */
export function parseId(id: string): { namespace: string | undefined; name: string } {
  const slash = id.indexOf("/");
  return slash < 0 ? { namespace: undefined, name: id } : { namespace: id.slice(0, slash), name: id.slice(slash + 1) };
}

/** `Deployment bookinfo/reviews-v1`, as messages call an object. */
export function titleOf(object: KubeObject): string {
  return `${object.kind} ${idOf(object)}`;
}

/** API version and kind that a type token stands for; undefined for tokens that are no plain resource. */
export function kindOfToken(token: string): { apiVersion: string; kind: string } | undefined {
  const match = /^kubernetes:([^:/]+)\/(v[0-9][0-9a-z]*):([A-Z][A-Za-z0-9]*)$/.exec(token);
  const [, group, version, kind] = match ?? [];
  if (!group || !version || !kind || group === "helm.sh" || group === "kustomize") return undefined;
  return { apiVersion: group === "core" ? version : `${group}/${version}`, kind };
}

/** Copy of an object without some of its keys. */
export function without<T extends object>(object: T, ...keys: string[]): Properties {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

/** Group of an API version; "" is the core group. */
export function groupOf(apiVersion: string): string {
  return apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
}

/** A label selector of the API as the text that a list request takes. */
export function selectorText(selector: unknown): string {
  const labels = at(selector, "matchLabels");
  const parts = isPlainObject(labels) ? Object.entries(labels).map(([key, value]) => `${key}=${String(value)}`) : [];
  for (const { key, operator, values } of listAt(selector, "matchExpressions")) {
    const list = Array.isArray(values) ? values.join(",") : "";
    if (operator === "In") parts.push(`${String(key)} in (${list})`);
    if (operator === "NotIn") parts.push(`${String(key)} notin (${list})`);
    if (operator === "Exists") parts.push(String(key));
    if (operator === "DoesNotExist") parts.push(`!${String(key)}`);
  }
  return parts.join(",");
}

/**
 * Copy with nulls left out and, in a CustomResourceDefinition, the SDK's `x_kubernetes_…` as the API spells them.
 * UNKNOWN stays where it is.
 */
export function toWire(value: unknown): unknown {
  return convert(value, (key) => (key.startsWith("x_kubernetes_") ? key.replaceAll("_", "-") : key));
}

/** The opposite of `toWire`, for what programs read. */
export function fromWire(value: unknown): unknown {
  return convert(value, (key) => (key.startsWith("x-kubernetes-") ? key.replaceAll("-", "_") : key));
}

function convert(value: unknown, rename: (key: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => convert(item, rename));
  if (value === UNKNOWN || !isPlainObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== null && item !== undefined)
      .map(([key, item]) => [rename(key), convert(item, rename)]),
  );
}
