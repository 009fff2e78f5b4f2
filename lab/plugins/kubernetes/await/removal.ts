/** Removes an object and waits until it is gone. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../../server/provider";
import { type Cluster, isNotFound, placeOf } from "../cluster";
import { type KubeObject, annotation, listAt, textAt, titleOf } from "../object";
import { waitLimit } from "./readiness";

/** Kinds for which `pulumi.com/skipAwait` also skips the wait for their end, as upstream has it. */
const SKIPPABLE = [
  "Namespace",
  "Pod",
  "ReplicationController",
  "DaemonSet",
  "Deployment",
  "StatefulSet",
  "Job",
] as const;

/** Deletes `object` with the propagation it asks for (foreground by default) and waits until it is gone. */
export async function remove(cluster: Cluster, object: KubeObject, ctx: Context): Promise<void> {
  const { metadata, kind } = object;
  try {
    await cluster.remove(placeOf(object), propagationOf(object), metadata.uid, ctx.signal);
  } catch (error) {
    if (isNotFound(error)) return;
    throw error;
  }
  const skip = annotation(object, "pulumi.com/skipAwait") === "true";
  if (skip && SKIPPABLE.some((name) => name === kind)) return;
  await awaitGone(cluster, object, ctx);
}

function propagationOf(object: KubeObject): string {
  const wanted = annotation(object, "pulumi.com/deletionPropagationPolicy").toLowerCase();
  return { orphan: "Orphan", background: "Background" }[wanted] ?? "Foreground";
}

/** Waits until the object, or the one with its uid, is gone; the error says what holds it. */
export async function awaitGone(cluster: Cluster, object: KubeObject, ctx: Context): Promise<void> {
  const limit = waitLimit(object, ctx);
  const end = Date.now() + limit * 1000;
  let shown = "";
  for (let pause = 50; ; pause = Math.min(pause * 2, 500)) {
    const live = await cluster.get(placeOf(object)).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    if (!live || (object.metadata.uid && live.metadata.uid !== object.metadata.uid)) {
      if (shown !== "") ctx.log("info", "", true);
      return;
    }
    const held = heldBy(live);
    const over = ctx.signal.aborted ? String((ctx.signal.reason as Error).message) : `not gone after ${limit} s`;
    if (ctx.signal.aborted || Date.now() > end) {
      throw new Error(`${titleOf(live)} is still there (${over}); ${held || "nothing says what holds it"}`);
    }
    const line = `${live.kind} ${live.metadata.name}: waiting for its end${held ? `, ${held}` : ""}`;
    if (line !== shown) ctx.log("info", line, true);
    shown = line;
    await sleep(pause, undefined, { signal: ctx.signal }).catch(() => undefined);
  }
}

/** What keeps a deleted object: its finalizers, and in a namespace what the namespace controller says. */
function heldBy(live: KubeObject): string {
  const finalizers = live.metadata.finalizers ?? [];
  const conditions = listAt(live, "status.conditions")
    .filter((condition) => condition.status === "True" && /^Namespace/.test(textAt(condition, "type")))
    .map((condition) => textAt(condition, "message"));
  const parts = finalizers.length > 0 ? [`held by ${finalizers.join(", ")}`] : [];
  return [...parts, ...conditions].join("; ");
}
