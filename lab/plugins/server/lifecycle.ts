/** What the server does for every resource type: schema check, comparison, preview. */
import { type Properties, UNKNOWN, hasUnknown } from "./values";
import type { AnyResourceType, Checked, Context, Difference, Existing, Failure, Provider } from "./provider";
import { type PropertySchema, changedProperties, checkProperties } from "./schema";

/** The type that serves `token`; an unknown one is an error that lists what there is. */
export function resourceType(provider: Provider, token: string): AnyResourceType {
  const { resources } = provider;
  const type =
    typeof resources === "function" ? resources(token) : Object.hasOwn(resources, token) ? resources[token] : undefined;
  if (type) return type;
  const known = typeof resources === "function" ? "" : `; it serves ${Object.keys(resources).join(", ")}`;
  throw new Error(`the lab's ${provider.name} plugin does not serve the resource type ${token}${known}`);
}

/** Schema first, then the type's own check, which sees defaults filled; failures of both. */
export async function checkResource(
  type: AnyResourceType,
  news: Properties,
  olds: Properties | undefined,
  ctx: Context,
): Promise<Checked> {
  const checked: Checked = type.inputs ? checkProperties(type.inputs, news) : { inputs: news, failures: [] };
  if (!type.check || checked.failures.length > 0) return checked;
  return type.check(checked.inputs as Properties, olds, ctx);
}

/** The type's own diff or the comparison of inputs; a type that can't update is replaced. */
export async function diffResource(
  type: AnyResourceType,
  old: Existing<Properties>,
  news: Properties,
  ctx: Context,
): Promise<Required<Difference>> {
  const difference = type.diff ? await type.diff(old, news, ctx) : diffInputs(type.inputs ?? {}, old.inputs, news);
  const updates = difference.updates ?? (difference.changes ? changedProperties(old.inputs, news) : []);
  let replaces = difference.replaces ?? [];
  if (difference.changes && !type.update && replaces.length === 0) replaces = updates;
  return {
    changes: difference.changes,
    replaces,
    updates,
    deleteBeforeReplace: difference.deleteBeforeReplace ?? type.deleteBeforeReplace ?? false,
  };
}

/** Each input that differs is an update, or a replacement where its schema says so. */
export function diffInputs(schema: Record<string, PropertySchema>, olds: Properties, news: Properties): Difference {
  const changed = changedProperties(olds, news);
  return { changes: changed.length > 0, updates: changed, replaces: changed.filter((key) => schema[key]?.replace) };
}

/** The state to be expected, by the type's `preview` or by its declared outputs. */
export async function previewResource(
  type: AnyResourceType,
  inputs: Properties,
  ctx: Context,
  old?: Existing<Properties>,
): Promise<object> {
  if (type.preview) return type.preview(inputs, ctx, old);
  if (old) return { ...without(old.state, Object.keys(old.inputs)), ...inputs };
  const unknown = Object.fromEntries((type.outputs ?? []).map((key) => [key, UNKNOWN]));
  return { ...unknown, ...inputs };
}

function without(values: Properties, keys: string[]): Properties {
  return Object.fromEntries(Object.entries(values).filter(([key]) => !keys.includes(key)));
}

/** The provider's configuration: what the SDK JSON-encoded is decoded, its own additions are left out. */
export function configurationOf(provider: Provider, values: Properties): Properties {
  const result: Properties = {};
  for (const [key, value] of Object.entries(values)) {
    if (["version", "pluginDownloadURL", "__internal"].includes(key)) continue;
    const type = provider.configuration?.[key]?.type;
    result[key] = type && type !== "string" && typeof value === "string" ? parse(value) : value;
  }
  return result;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Failures of the provider's configuration; the values themselves go on as the program gave them. */
export async function checkConfiguration(
  provider: Provider,
  news: Properties,
  olds: Properties | undefined,
  ctx: Context,
): Promise<Failure[]> {
  const config = configurationOf(provider, news);
  const checked = provider.configuration
    ? checkProperties(provider.configuration, config)
    : { inputs: config, failures: [] };
  if (!provider.checkConfig || checked.failures.length > 0) return checked.failures;
  const more = await provider.checkConfig(checked.inputs as Properties, olds, ctx);
  return more.failures;
}

/** Says what may not be unknown when an update begins; guards against an engine that sends it all the same. */
export function refuseUnknown(values: Properties, what: string): void {
  const unknown = Object.keys(values).filter((key) => hasUnknown(values[key]));
  if (unknown.length > 0) throw new Error(`${what} can't run while ${unknown.join(", ")} is not known`);
}
