/** Names of objects whose program gives none, and the manager under which a resource owns its fields. */
import { createHash, randomBytes } from "node:crypto";
import { type Properties, UNKNOWN } from "../server/provider";
import { isPlainObject } from "../server/values";
import { annotation, at, textAt } from "./object";

/** Marks an object whose name the provider chose: it may be replaced by a new one before the old one goes. */
export const AUTONAMED = "pulumi.com/autonamed";

/** Whether the program, or an earlier check, gave a name, known or not. */
export function isNamed(object: Properties): boolean {
  const metadata = object.metadata;
  if (metadata === UNKNOWN) return true;
  const name = at(metadata, "name");
  return name === UNKNOWN || (typeof name === "string" && name !== "");
}

/** Whether the provider chose the name. */
export function isAutonamed(object: Properties): boolean {
  return annotation(object, AUTONAMED) === "true";
}

/**
 * The object with a name: its own, the one it was given automatically before (`old`), or `<resource>-<8 hex digits>`.
 */
export function withName(object: Properties, old: Properties | undefined, resourceName: string): Properties {
  if (isNamed(object)) return object;
  const kept = old && isAutonamed(old) ? textAt(old, "metadata.name") : "";
  const name = kept || `${resourceName}-${randomBytes(4).toString("hex")}`;
  const metadata = isPlainObject(object.metadata) ? object.metadata : {};
  const annotations = metadata.annotations;
  // Into annotations that aren't known yet nothing can be added.
  const marked =
    annotations === UNKNOWN ? annotations : { ...(annotations as object | undefined), [AUTONAMED]: "true" };
  return { ...object, metadata: { ...metadata, name, annotations: marked } };
}

/**
 * Field manager of a resource: the annotation's, the one it has had so far, or one made of its URN. Made of the URN it
 * is the same after a killed update, so that an object which that update left behind is recognised as the resource's own.
 */
export function fieldManager(urn: string, object: Properties, state?: Properties): string {
  const own = annotation(object, "pulumi.com/patchFieldManager") || textAt(state, "__fieldManager");
  return own || `pulumi-kubernetes-${createHash("sha256").update(urn).digest("hex").slice(0, 8)}`;
}
