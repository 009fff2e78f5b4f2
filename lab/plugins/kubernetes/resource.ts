/** Every plain resource type of the provider: any kind that the API server serves, custom resources included. */
import {
  type Checked,
  type Context,
  type Existing,
  type Failure,
  PartialError,
  type Properties,
  type ResourceType,
  UNKNOWN,
  hasUnknown,
  secret,
} from "../server/provider";
import { isPlainObject } from "../server/values";
import { applyObject, createObject, isForced, isNotYetThere } from "./apply";
import { NotReadyError, awaitReady, judgeOnce } from "./await/readiness";
import { remove } from "./await/removal";
import { Cluster, DEFAULT_SETTINGS, type Settings } from "./cluster";
import { diffObjects, replacedPaths } from "./diff";
import { importedInputs, liveInputs } from "./drift";
import { fieldManager, withName } from "./name";
import { type KubeObject, at, fromWire, idOf, kindOfToken, parseId, textAt, titleOf, toWire, without } from "./object";
import { clusterOf, dropUnreachable } from "./unreachable";

/** The type behind a token; undefined for tokens that are no plain resource. */
export function plainResource(token: string): ResourceType | undefined {
  const kind = kindOfToken(token);
  if (!kind) return undefined;
  return {
    check: (news, olds, ctx) => check(kind, news, olds, ctx),
    diff: (old, news, ctx) => diffObjects(wire(old.inputs), wire(news), settingsFor(ctx)),
    preview,
    create,
    read: (existing, ctx) => read(kind, existing, ctx),
    update,
    delete: (existing, ctx) => destroy(kind, existing, ctx),
  };
}

/** While the provider's configuration isn't known, changes are judged by the default settings. */
function settingsFor(ctx: Context): Settings {
  return ctx.config instanceof Cluster ? ctx.config.settings : DEFAULT_SETTINGS;
}

function wire(values: Properties): KubeObject {
  return toWire(values) as KubeObject;
}

async function check(
  kind: { apiVersion: string; kind: string },
  news: Properties,
  olds: Properties | undefined,
  ctx: Context,
): Promise<Checked> {
  const failures = failuresOf(kind, news);
  const inputs = withName(wire(news), olds && wire(olds), ctx.name);
  const placed = await withDefaultNamespace({ ...kind, ...inputs }, ctx);
  return { inputs: fromWire(placed) as Properties, failures };
}

function failuresOf(kind: { apiVersion: string; kind: string }, news: Properties): Failure[] {
  const failures: Failure[] = [];
  const fail = (property: string, reason: string) => failures.push({ property, reason });
  if (kind.kind.endsWith("Patch") && news.kind !== kind.kind) {
    fail("", "the lab's plugin does not serve Patch resources; write the field into the resource that owns it");
    return failures;
  }
  if (kind.kind.endsWith("List") && Array.isArray(news.items)) {
    fail("", "list resources exist for YAML manifests and can't be created; use the type of the items instead");
    return failures;
  }
  for (const key of ["apiVersion", "kind"] as const) {
    const given = news[key];
    if (given !== undefined && given !== UNKNOWN && given !== kind[key]) {
      fail(key, `has to be ${kind[key]}, as the resource's type says, not ${JSON.stringify(given)}`);
    }
  }
  if (news.metadata !== undefined && news.metadata !== UNKNOWN && !isPlainObject(news.metadata)) {
    fail("metadata", "has to be an object");
  }
  if (at(news, "metadata.generateName") !== undefined) {
    fail("metadata.generateName", "is not supported with server-side apply; leave the name out to get a generated one");
  }
  return failures;
}

async function withDefaultNamespace(object: Properties, ctx: Context): Promise<Properties> {
  const { metadata } = object;
  const cluster = ctx.config instanceof Cluster ? ctx.config : undefined;
  const namespace = cluster?.settings.namespace;
  if (!cluster || !namespace || !isPlainObject(metadata) || metadata.namespace !== undefined) return object;
  const namespaced = await cluster.namespaced(textAt(object, "apiVersion"), textAt(object, "kind"));
  // Of a kind that isn't known yet it is assumed; where it's wrong, the apply leaves it out again.
  return namespaced === false ? object : { ...object, metadata: { ...metadata, namespace } };
}

async function preview(inputs: Properties, ctx: Context, old?: Existing<Properties>): Promise<object> {
  const object = wire(inputs);
  const cluster = ctx.config instanceof Cluster ? ctx.config : undefined;
  const expected = { ...inputs, status: UNKNOWN };
  if (!cluster || hasUnknown(inputs) || (await cluster.unreachable()) !== undefined) return expected;
  const replaced = old && replacedPaths(wire(old.inputs), object, cluster.settings).length > 0;
  if (replaced) return expected;
  try {
    // Forced: a conflict is reported by the update; in a preview it may be the object that is to be replaced.
    const manager = fieldManager(ctx.urn, object, old?.state);
    const result = await applyObject(cluster, object, manager, ctx, { force: true, dryRun: true });
    return previewState(result, old !== undefined, inputs);
  } catch (error) {
    if (isNotYetThere(error) || (!old && isImmutable(error))) return expected;
    throw error;
  }
}

/** A create's preview meets the old object of the same name where a replacement will first remove it. */
function isImmutable(error: unknown): boolean {
  return error instanceof Error && /field is immutable/.test(error.message);
}

function previewState(object: KubeObject, exists: boolean, inputs: Properties): object {
  if (exists) return state(object, "");
  const { name, namespace, labels, annotations } = object.metadata;
  const metadata = { name, namespace, labels, annotations, uid: UNKNOWN };
  const spec = isPlainObject(object.spec) ? { ...object.spec } : undefined;
  // A dry run gives out addresses and ports that the real run may not get again.
  for (const key of ["clusterIP", "clusterIPs", "ports"]) {
    if (object.kind === "Service" && spec && at(inputs, `spec.${key}`) === undefined) spec[key] = UNKNOWN;
  }
  return fromWire({ ...object, metadata, ...(spec ? { spec } : {}), status: UNKNOWN }) as object;
}

/** The live object as it is kept in the state, without the server's bookkeeping, a Secret's data secret. */
function state(live: KubeObject, manager: string): Properties {
  const kept = fromWire({ ...live, metadata: without(live.metadata, "managedFields") }) as Properties;
  if (live.kind === "Secret" && kept.data !== undefined) kept.data = secret(kept.data);
  return manager === "" ? kept : { ...kept, __fieldManager: manager };
}

async function create(inputs: Properties, ctx: Context): Promise<{ id: string; state: object }> {
  const cluster = clusterOf(ctx);
  await cluster.mustReach();
  const object = wire(inputs);
  const manager = fieldManager(ctx.urn, object);
  const made = await createObject(cluster, object, manager, ctx);
  const live = await awaitOrPartial(cluster, made, manager, ctx);
  return { id: idOf(live), state: state(live, manager) };
}

async function update(old: Existing<Properties>, inputs: Properties, ctx: Context): Promise<object> {
  const cluster = clusterOf(ctx);
  const reason = await cluster.unreachable();
  if (reason !== undefined && cluster.settings.skipUpdateUnreachable) {
    ctx.log("warning", `the cluster is unreachable, the update is skipped: ${reason}`);
    return old.state;
  }
  await cluster.mustReach();
  const object = wire(inputs);
  const manager = fieldManager(ctx.urn, object, old.state);
  const made = await applyObject(cluster, object, manager, ctx, { force: isForced(cluster, object) });
  return state(await awaitOrPartial(cluster, made, manager, ctx), manager);
}

/** From here on the object exists: whatever goes wrong, it is kept in the state with the reasons. */
async function awaitOrPartial(cluster: Cluster, made: KubeObject, manager: string, ctx: Context): Promise<KubeObject> {
  try {
    return await awaitReady(cluster, made, ctx);
  } catch (error) {
    const live = error instanceof NotReadyError ? error.live : made;
    const reasons = error instanceof NotReadyError ? error.reasons : [`${titleOf(made)}: ${String(error)}`];
    throw new PartialError(idOf(live), state(live, manager), reasons);
  }
}

async function read(kind: { apiVersion: string; kind: string }, existing: Existing<Properties>, ctx: Context) {
  const cluster = clusterOf(ctx);
  const unreachable = await cluster.unreachable();
  if (unreachable !== undefined) return dropUnreachable(cluster, unreachable, ctx) ? undefined : existing;
  const live = await cluster.get({ ...kind, ...parseId(existing.id) }, ctx.signal);
  if (!live) return undefined;
  const imported = Object.keys(existing.inputs).length === 0;
  if (imported) return { id: existing.id, state: state(live, ""), inputs: fromWire(importedInputs(live)) as object };
  const inputs = wire(existing.inputs);
  const manager = fieldManager(ctx.urn, inputs, existing.state);
  const wanted = await expected(cluster, inputs, live, manager, ctx);
  const found = {
    id: existing.id,
    state: state(live, manager),
    inputs: fromWire(liveInputs(inputs, wanted, live)) as object,
  };
  const trouble = await judgeOnce(cluster, live);
  if (!trouble) return found;
  throw new PartialError(found.id, hide(found.state, ctx), trouble.reasons, hide(found.inputs, ctx));
}

/** The object as these inputs would make it now, by a dry run; where that can't be had, the inputs over the live one. */
async function expected(
  cluster: Cluster,
  inputs: KubeObject,
  live: KubeObject,
  manager: string,
  ctx: Context,
): Promise<KubeObject> {
  try {
    return await applyObject(cluster, inputs, manager, ctx, { force: true, dryRun: true });
  } catch (error) {
    ctx.log("debug", `${titleOf(live)}: compared without a dry run: ${String(error)}`);
    return inputs;
  }
}

/** The server marks secrets in what a read returns, but not in what it throws. */
function hide(values: object, ctx: Context): object {
  const entries = Object.entries(values) as [string, unknown][];
  return Object.fromEntries(
    entries.map(([key, value]) => [key, ctx.secretInputs.includes(key) ? secret(value) : value]),
  );
}

async function destroy(
  kind: { apiVersion: string; kind: string },
  existing: Existing<Properties>,
  ctx: Context,
): Promise<void> {
  const cluster = clusterOf(ctx);
  const unreachable = await cluster.unreachable();
  if (unreachable !== undefined) {
    if (dropUnreachable(cluster, unreachable, ctx)) return;
    throw new Error(`configured Kubernetes cluster is unreachable: ${unreachable}`);
  }
  const inputs = wire(existing.inputs);
  const uid = textAt(existing.state, "metadata.uid");
  const { annotations } = inputs.metadata ?? {};
  const metadata = { ...parseId(existing.id), ...(annotations ? { annotations } : {}), ...(uid ? { uid } : {}) };
  const object = { ...inputs, ...kind, metadata } as KubeObject;
  await remove(cluster, object, ctx);
}
