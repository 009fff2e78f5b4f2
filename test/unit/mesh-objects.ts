import { readFileSync } from "node:fs";
import { join } from "node:path";

import type { LinkerdChannel } from "../../config/versions";
import type { MeshObject } from "../../k8s/linkerd/types";

/** By API version and kind, the paths of the fields that a line's real type has. */
type Types = Record<string, string[]>;

const FILES: Record<LinkerdChannel, string> = { edge: "linkerd-edge-26.8.3", stable: "linkerd-stable-2.14.10" };

/** Fields of the real types of a channel, from `test/crds`. */
export function realTypes(channel: LinkerdChannel): Types {
  const file = join(__dirname, "../crds", `${FILES[channel]}.json`);
  return (JSON.parse(readFileSync(file, "utf8")) as { types: Types }).types;
}

/** Paths of the leaves of a value; a list's entries all have the same path. */
export function paths(value: unknown, path = ""): string[] {
  if (Array.isArray(value)) return value.flatMap((entry) => paths(entry, `${path}[]`));
  if (typeof value !== "object" || value === null) return [path];
  return Object.entries(value).flatMap(([key, inner]) => paths(inner, path ? `${path}.${key}` : key));
}

/** What the real type would refuse of an object: its kind, or fields that it does not have. */
export function refused({ apiVersion, kind, spec }: Pick<MeshObject, "apiVersion" | "kind" | "spec">, types: Types) {
  const known = types[`${apiVersion} ${kind}`];
  if (!known) return [`${apiVersion} ${kind}`];
  return paths(spec).filter((path) => !known.includes(path) && !known.includes(path.replace(/\.[^.]+$/, ".*")));
}
