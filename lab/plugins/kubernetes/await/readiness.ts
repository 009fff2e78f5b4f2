/** Waits until an object is ready, shows what it waits for, and says in the end why it isn't. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../../server/provider";
import { type Cluster, placeOf } from "../cluster";
import { type KubeObject, annotation, groupOf, titleOf } from "../object";
import * as basics from "./basics";
import { type Condition, parseWaitFor } from "./condition";
import { describePods, podReason, podsOf, unreadyPods, warningsAbout } from "./pods";
import * as workloads from "./workloads";

/** Limit of a wait in seconds where neither `customTimeouts` nor an annotation sets one; upstream's. */
export const DEFAULT_WAIT_SECONDS = 600;
/** The object is looked at this often, milliseconds; more often in the first moments. */
const STEP_MILLISECONDS = [100, 200, 300, 500];
/** Pods are looked at for the progress line only this often. */
const PODS_MILLISECONDS = 2000;

/** What a look at an object says. `failed`: waiting longer is no use. */
export interface Verdict {
  ready: boolean;
  /** Progress, e.g. `1/2 ready`. */
  status?: string;
  failed?: string[];
}

/** What a judge may use besides the object. */
export interface Surroundings {
  cluster: Cluster;
  /** Seconds waited so far. */
  seconds: number;
}

/** When a kind is ready, and whose pods to blame when it isn't. */
export interface Readiness {
  judge(object: KubeObject, surroundings: Surroundings): Verdict | Promise<Verdict>;
  /** Label selector of its pods; "" = it has none. */
  pods?(object: KubeObject): string;
  /** The object is itself the pod. */
  self?: boolean;
}

const KINDS: Record<string, Readiness> = {
  "apps/Deployment": workloads.deployment,
  "apps/StatefulSet": workloads.statefulSet,
  "apps/DaemonSet": workloads.daemonSet,
  "batch/Job": workloads.job,
  "/ReplicationController": workloads.replicationController,
  "/Pod": basics.pod,
  "/Service": basics.service,
  "/PersistentVolumeClaim": basics.claim,
  "/PersistentVolume": basics.volume,
  "/Secret": basics.secretObject,
  "networking.k8s.io/Ingress": basics.ingress,
  "apiextensions.k8s.io/CustomResourceDefinition": basics.definition,
};

/** The object isn't ready: `live` is its last state, `reasons` say why, one line each. */
export class NotReadyError extends Error {
  constructor(
    readonly live: KubeObject,
    readonly reasons: string[],
  ) {
    super(reasons.join("; "));
    this.name = "NotReadyError";
  }
}

/** How the kind, or the program by `pulumi.com/waitFor`, decides; undefined = there is nothing to wait for. */
export function readinessOf(object: KubeObject): Readiness | undefined {
  if (annotation(object, "pulumi.com/skipAwait") === "true") return undefined;
  const wanted = annotation(object, "pulumi.com/waitFor");
  const kind = KINDS[`${groupOf(object.apiVersion)}/${object.kind}`];
  return wanted ? custom(parseWaitFor(wanted), wanted, kind) : kind;
}

function custom(condition: Condition, text: string, kind: Readiness | undefined): Readiness {
  return { ...kind, judge: (object) => ({ ready: condition(object), status: `waiting for ${text}` }) };
}

/** Limit of a wait in seconds: `customTimeouts`, then `pulumi.com/timeoutSeconds`, then ten minutes. */
export function waitLimit(object: KubeObject, ctx: Context): number {
  if (ctx.timeoutSeconds > 0) return ctx.timeoutSeconds;
  const own = Number.parseInt(annotation(object, "pulumi.com/timeoutSeconds"), 10);
  return own > 0 ? own : DEFAULT_WAIT_SECONDS;
}

/** Waits until the object is ready and gives its live state; throws NotReadyError when it isn't in time. */
export async function awaitReady(cluster: Cluster, object: KubeObject, ctx: Context): Promise<KubeObject> {
  const readiness = readinessOf(object);
  if (!readiness) return object;
  const start = Date.now();
  const limit = waitLimit(object, ctx);
  const progress = new Progress(cluster, ctx, readiness);
  let live = object;
  for (let step = 0; ; step++) {
    const seconds = (Date.now() - start) / 1000;
    const verdict = await readiness.judge(live, { cluster, seconds });
    if (verdict.ready) {
      progress.end();
      return live;
    }
    if (verdict.failed) throw await notReady(cluster, live, readiness, verdict.failed);
    const over = ctx.signal.aborted || seconds >= limit;
    if (over) {
      const why = ctx.signal.aborted ? String((ctx.signal.reason as Error).message) : `not ready after ${limit} s`;
      throw await notReady(cluster, live, readiness, [verdict.status ? `${why}: ${verdict.status}` : why]);
    }
    await progress.show(live, verdict.status ?? "");
    await sleep(STEP_MILLISECONDS[Math.min(step, STEP_MILLISECONDS.length - 1)], undefined, {
      signal: ctx.signal,
    }).catch(() => undefined);
    live = await look(cluster, live);
  }
}

async function look(cluster: Cluster, object: KubeObject): Promise<KubeObject> {
  const live = await cluster.get(placeOf(object));
  if (!live) throw new Error(`${titleOf(object)} was deleted by somebody else while it was waited for`);
  return live;
}

/** Looks once: undefined when ready (or nothing to wait for), else what to report. */
export async function judgeOnce(cluster: Cluster, object: KubeObject): Promise<NotReadyError | undefined> {
  const readiness = readinessOf(object);
  if (!readiness) return undefined;
  const verdict = await readiness.judge(object, { cluster, seconds: DEFAULT_WAIT_SECONDS });
  if (verdict.ready) return undefined;
  return notReady(cluster, object, readiness, verdict.failed ?? [verdict.status ?? "not ready"]);
}

async function notReady(
  cluster: Cluster,
  live: KubeObject,
  readiness: Readiness,
  why: string[],
): Promise<NotReadyError> {
  const pods = await podsFor(cluster, live, readiness).catch(() => []);
  const [warning] = pods.length === 0 ? await warningsAbout(cluster, live) : [];
  const lines = await describePods(cluster, pods);
  const namespace = live.metadata.namespace ?? "default";
  const [pod] = unreadyPods(pods);
  const next = pod
    ? `look closer with: kubectl -n ${namespace} describe pod ${pod.metadata.name}; then run pulumi up again, it goes on waiting`
    : `look closer with: kubectl -n ${namespace} describe ${live.kind.toLowerCase()} ${live.metadata.name}`;
  const reasons = why.map((line) => `${titleOf(live)}: ${line}`);
  return new NotReadyError(live, [...reasons, ...lines, ...(warning ? [`event: ${warning}`] : []), next]);
}

async function podsFor(cluster: Cluster, object: KubeObject, readiness: Readiness): Promise<KubeObject[]> {
  if (readiness.self) return [object];
  const selector = readiness.pods?.(object) ?? "";
  return selector ? podsOf(cluster, object.metadata.namespace ?? "default", selector) : [];
}

/** The line that the engine shows at a resource while it is waited for. */
class Progress {
  private shown = "";
  private reason = "";
  private podsAt = Date.now();

  constructor(
    private readonly cluster: Cluster,
    private readonly ctx: Context,
    private readonly readiness: Readiness,
  ) {}

  async show(object: KubeObject, status: string): Promise<void> {
    if (Date.now() - this.podsAt > PODS_MILLISECONDS) {
      this.podsAt = Date.now();
      const pods = await podsFor(this.cluster, object, this.readiness).catch(() => []);
      const [pod] = unreadyPods(pods);
      this.reason = pod ? `, waiting for pod ${pod.metadata.name}: ${podReason(pod)}` : "";
    }
    this.say(`${object.kind} ${object.metadata.name}: ${status}${this.reason}`);
  }

  end(): void {
    if (this.shown !== "") this.say("");
  }

  private say(line: string): void {
    if (line === this.shown) return;
    this.shown = line;
    this.ctx.log("info", line, true);
  }
}
