import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

import { LAB_STACKS } from "./lab";

/**
 * What the workloads have beyond what every lab carries, each by its key in their configuration, with the value that
 * `--extras` turns it on with. A lab builds and serves the images of an extra only if somebody wants it.
 */
export const EXTRAS = { autoscaling: "true", logs: "true", traces: "true" } as const satisfies Readonly<
  Record<string, string>
>;

export type ExtraName = keyof typeof EXTRAS;

/** In the order of {@link EXTRAS}. */
export const EXTRA_NAMES = Object.keys(EXTRAS) as readonly ExtraName[];

/**
 * The extras that the value of `--extras` names: all without a value, none without the option.
 *
 * @throws for a name that is none of them.
 */
export function extrasNamed(value: string | boolean = false): ExtraName[] {
  if (typeof value === "boolean") return value ? [...EXTRA_NAMES] : [];
  const names = value.split(",").map((name) => name.trim());
  const unknown = names.filter((name) => !(name in EXTRAS));
  if (unknown.length > 0)
    throw new Error(`There is no extra ${unknown.join(", ")}. Those that there are: ${EXTRA_NAMES.join(", ")}`);
  return EXTRA_NAMES.filter((name) => names.includes(name));
}

/** The file with the configuration of the lab's workloads. */
export const WORKLOADS_CONFIG = `Pulumi.${LAB_STACKS.k8s}.yaml`;

/** The extras that the configuration of the lab's workloads turns on, as its file says now. */
export function extrasTurnedOn(text = readFileSync(join(__dirname, "..", WORKLOADS_CONFIG), "utf8")): ExtraName[] {
  const { config = {} } = parse(text) as { config?: Record<string, unknown> };
  const value = (name: ExtraName): unknown => config[`daybreak:${name}`] ?? false;
  return EXTRA_NAMES.filter((name) => !["false", "off"].includes(String(value(name))));
}

/** Both lists as one. */
export function joined(some: readonly ExtraName[], others: readonly ExtraName[]): ExtraName[] {
  return EXTRA_NAMES.filter((name) => some.includes(name) || others.includes(name));
}
