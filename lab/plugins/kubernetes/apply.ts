/** Brings an object to the cluster: server-side apply, what to do when it exists, and errors that say what to do. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../server/provider";
import { awaitGone } from "./await/removal";
import { type Cluster, NoSuchKindError, isNotFound, placeOf } from "./cluster";
import { ApiError } from "./connection";
import { type KubeObject, annotation, titleOf } from "./object";

/** How long, in seconds, a missing namespace, kind or service account is waited for: others may be making it. */
const MISSING_SECONDS = 30;

/** Makes the object. One that exists already is refused, unless the provider upserts or it is this resource's own. */
export async function createObject(
  cluster: Cluster,
  object: KubeObject,
  manager: string,
  ctx: Context,
): Promise<KubeObject> {
  return whileMissing(ctx, async () => {
    const existing = await cluster.get(placeOf(object), ctx.signal);
    // What is on its way out, as after a replacement, has to be gone first.
    if (existing?.metadata.deletionTimestamp) await awaitGone(cluster, existing, ctx);
    else if (existing && !cluster.settings.upsertExistingObjects && !isManagedBy(existing, manager)) {
      throw new Error(alreadyExists(existing));
    }
    return applyObject(cluster, object, manager, ctx, { force: isForced(cluster, object) });
  });
}

/** Applies the object as `manager`; a conflict or refused field fails with the server's words and a remedy. */
export async function applyObject(
  cluster: Cluster,
  object: KubeObject,
  manager: string,
  ctx: Context,
  options: { force: boolean; dryRun?: boolean },
): Promise<KubeObject> {
  const onRetry = (reason: string) => ctx.log("info", `${titleOf(object)}: trying again, ${reason}`, true);
  try {
    return await cluster.apply(object, {
      fieldManager: manager,
      force: options.force,
      dryRun: options.dryRun ?? false,
      signal: ctx.signal,
      onRetry,
    });
  } catch (error) {
    throw explain(error, object, manager);
  }
}

/** Whether conflicts with other managers are overridden. */
export function isForced(cluster: Cluster, object: KubeObject): boolean {
  return cluster.settings.enablePatchForce || annotation(object, "pulumi.com/patchForce") === "true";
}

/** Whether an object was applied under this resource's name, by an update that ended before it was recorded. */
function isManagedBy(object: KubeObject, manager: string): boolean {
  const fields = object.metadata.managedFields ?? [];
  return fields.some((entry) => entry.manager === manager && entry.operation === "Apply");
}

function alreadyExists(object: KubeObject): string {
  return [
    `${titleOf(object)} already exists in the cluster, and not by this stack.`,
    "If it was renamed in the program, give the resource an alias; to take it over, use `pulumi import` or set",
    "upsertExistingObjects on the provider; if it is a left-over, delete it with kubectl and run pulumi up again.",
  ].join("\n");
}

function explain(error: unknown, object: KubeObject, manager: string): unknown {
  if (!(error instanceof ApiError)) return error;
  if (error.code === 409 && error.causes.length > 0) {
    return new ApiError(
      error.code,
      error.reason,
      `${titleOf(object)}: server-side apply field conflict: the resource managed by field manager "${manager}" had an ` +
        `apply conflict: ${error.message}\nLeave these fields to their manager with ignoreChanges, or take ` +
        'them over with the annotation pulumi.com/patchForce: "true".',
      error.about,
      error.causes,
    );
  }
  const message = `${titleOf(object)} was refused by the Kubernetes API server: ${error.message}`;
  return new ApiError(error.code, error.reason, message, error.about, error.causes);
}

/** What others may be about to make: the namespace, the kind, the service account of a new namespace. */
function isMissingNeighbour(error: unknown): boolean {
  if (error instanceof NoSuchKindError) return true;
  if (!(error instanceof ApiError)) return false;
  return error.code === 404 || (error.code === 403 && /serviceaccount ".*" not found/.test(error.message));
}

async function whileMissing<T>(ctx: Context, work: () => Promise<T>): Promise<T> {
  const end = Date.now() + MISSING_SECONDS * 1000;
  for (let shown = ""; ;) {
    try {
      return await work();
    } catch (error) {
      if (!isMissingNeighbour(error) || Date.now() > end || ctx.signal.aborted) throw error;
      const line = `waiting up to ${MISSING_SECONDS} s: ${(error as Error).message}`;
      if (line !== shown) ctx.log("info", line, true);
      shown = line;
      await sleep(500, undefined, { signal: ctx.signal }).catch(() => undefined);
    }
  }
}

/** Whether a dry run failed only because something it needs comes in the same update. */
export function isNotYetThere(error: unknown): boolean {
  return isNotFound(error) || (error instanceof ApiError && error.code === 403);
}
