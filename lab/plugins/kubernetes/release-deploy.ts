/** Installs, upgrades and uninstalls a release, and recovers what a killed or failed update left. */
import { createHash } from "node:crypto";
import type { Context } from "../server/provider";
import { describePods, podReason, podsOf, unreadyPods } from "./await/pods";
import { chartPath, fetchChart } from "./chart";
import type { Cluster } from "./cluster";
import { type Helm, withHelm } from "./helm";
import { DEFAULT_TIMEOUT_SECONDS, type ReleaseInputs } from "./release-inputs";
import { OWNER_LABEL, type Release, type Revision, markFailed, newestRelease, revisionsOf } from "./release-record";
import { type KubeObject, parseId } from "./object";

/** The namespace's pods are looked at this often for the progress line, milliseconds. */
const PROGRESS_MILLISECONDS = 2000;

/** Helm failed; `release` is what there is of it, undefined when nothing is. */
export class ReleaseFailedError extends Error {
  constructor(
    readonly release: Release | undefined,
    readonly reasons: string[],
  ) {
    super(reasons.join("\n"));
    this.name = "ReleaseFailedError";
  }
}

/** Brings the release to what the inputs say; `isOurs` = the state knows it, so that it may be upgraded. */
export async function deploy(cluster: Cluster, inputs: ReleaseInputs, ctx: Context, isOurs: boolean): Promise<Release> {
  const { namespace, name } = inputs;
  const chart = await fetchChart(inputs);
  const action = await actionFor(cluster, inputs, ctx, isOurs);
  const helmError = await withHelm(cluster.kubeconfig, async (helm) => {
    const args = [action, name, chartPath(helm, chart), ...sharedFlags(helm, inputs, ctx), ...flagsOf(action, inputs)];
    const stop = watchPods(
      cluster,
      inputs,
      ctx,
      `${action === "install" ? "installing" : "upgrading to"} ${chart.version}`,
    );
    try {
      await helm.run(args, { signal: ctx.signal });
      return undefined;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    } finally {
      stop();
    }
  });
  const release = await newestRelease(cluster, namespace, name);
  if (!helmError && release) return release;
  throw new ReleaseFailedError(
    release,
    await reasonsOf(cluster, inputs, ctx, helmError?.message ?? "helm left no release"),
  );
}

/** Whether to install or upgrade; sets right what a killed helm left, refuses a release that is somebody else's. */
async function actionFor(
  cluster: Cluster,
  inputs: ReleaseInputs,
  ctx: Context,
  isOurs: boolean,
): Promise<"install" | "upgrade"> {
  const { namespace, name } = inputs;
  const revisions = await revisionsOf(cluster, namespace, name);
  const newest = revisions.at(-1);
  if (!newest || newest.status === "uninstalled") return "install";
  if (newest.status.startsWith("pending-") || newest.status === "uninstalling") {
    ctx.log(
      "info",
      `Release ${namespace}/${name} was left ${newest.status} by an update that was killed; going on from there`,
    );
    await markFailed(cluster, namespace, newest);
    return "upgrade";
  }
  if (isOurs || newest.owner === ownerOf(ctx) || wasNeverDeployed(revisions)) return "upgrade";
  if (inputs.replace) return "install";
  throw new Error(
    `Release ${namespace}/${name}: cannot re-use a name that is still in use: it is ${newest.status} at revision ` +
      `${newest.revision} and not of this stack. Import it (pulumi import kubernetes:helm.sh/v3:Release ${ctx.name} ` +
      `${namespace}/${name}), remove it (helm -n ${namespace} uninstall ${name}), or choose another name.`,
  );
}

/** All revisions are failures: what is there is half of an install. */
function wasNeverDeployed(revisions: readonly Revision[]): boolean {
  return revisions.every(({ status }) => status === "failed");
}

function ownerOf(ctx: Context): string {
  return createHash("sha256").update(ctx.urn).digest("hex").slice(0, 16);
}

function sharedFlags(helm: Helm, inputs: ReleaseInputs, ctx: Context): string[] {
  const flags = ["--namespace", inputs.namespace, "--timeout", `${inputs.timeout || DEFAULT_TIMEOUT_SECONDS}s`];
  flags.push("--values", helm.file(JSON.stringify(inputs.values ?? {})));
  flags.push("--labels", `${OWNER_LABEL}=${ownerOf(ctx)}`);
  if (!inputs.skipAwait) flags.push("--wait");
  if (!inputs.skipAwait && inputs.waitForJobs) flags.push("--wait-for-jobs");
  if (inputs.description) flags.push("--description", inputs.description);
  return flags;
}

/** Flags that stand for a property each; `undefined` where the action doesn't know it. */
const FLAGS: Partial<Record<keyof ReleaseInputs, { install?: string; upgrade?: string }>> = {
  atomic: { install: "--atomic", upgrade: "--atomic" },
  cleanupOnFail: { upgrade: "--cleanup-on-fail" },
  createNamespace: { install: "--create-namespace", upgrade: "--create-namespace" },
  disableOpenapiValidation: { install: "--disable-openapi-validation", upgrade: "--disable-openapi-validation" },
  disableWebhooks: { install: "--no-hooks", upgrade: "--no-hooks" },
  forceUpdate: { upgrade: "--force" },
  renderSubchartNotes: { install: "--render-subchart-notes", upgrade: "--render-subchart-notes" },
  replace: { install: "--replace" },
  resetValues: { upgrade: "--reset-values" },
  reuseValues: { upgrade: "--reuse-values" },
  skipCrds: { install: "--skip-crds", upgrade: "--skip-crds" },
  takeOwnership: { install: "--take-ownership", upgrade: "--take-ownership" },
};

function flagsOf(action: "install" | "upgrade", inputs: ReleaseInputs): string[] {
  const entries = Object.entries(FLAGS) as [keyof ReleaseInputs, { install?: string; upgrade?: string }][];
  const flags = entries.flatMap(([key, flag]) => (inputs[key] === true && flag[action] ? [flag[action]] : []));
  if (action === "upgrade" && inputs.maxHistory !== undefined) flags.push("--history-max", String(inputs.maxHistory));
  return flags;
}

/** Shows at the resource what the release waits for; the function that comes back ends it. */
function watchPods(cluster: Cluster, inputs: ReleaseInputs, ctx: Context, doing: string): () => void {
  const title = `Release ${inputs.name}`;
  let shown = `${title}: ${doing}`;
  ctx.log("info", shown, true);
  let busy = false;
  const look = async () => {
    const pods = ownFirst(await podsOf(cluster, inputs.namespace), inputs.name);
    const unready = unreadyPods(pods);
    const [pod] = unready;
    const waiting = pod ? `, waiting for pod ${pod.metadata.name}: ${podReason(pod)}` : "";
    const count = pods.length > 0 ? `, ${pods.length - unready.length}/${pods.length} pods ready` : "";
    const line = `${title}: ${doing}${count}${waiting}`;
    if (line !== shown) ctx.log("info", line, true);
    shown = line;
  };
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    void look()
      .catch(() => undefined)
      .finally(() => (busy = false));
  }, PROGRESS_MILLISECONDS);
  return () => {
    clearInterval(timer);
    ctx.log("info", "", true);
  };
}

/** Why it failed: helm's words, the pods of its namespace that aren't ready, and what to do next. */
async function reasonsOf(cluster: Cluster, inputs: ReleaseInputs, ctx: Context, message: string): Promise<string[]> {
  const { namespace, name } = inputs;
  const why = ctx.signal.aborted ? `${(ctx.signal.reason as Error).message}; ${message}` : message;
  const pods = ownFirst(await podsOf(cluster, namespace).catch(() => []), name);
  const [pod] = unreadyPods(pods);
  const next = pod
    ? `look closer with: kubectl -n ${namespace} describe pod ${pod.metadata.name}; then run pulumi up again, it goes on from there`
    : `look closer with: helm -n ${namespace} status ${name}; then run pulumi up again, it goes on from there`;
  const waited = /timed out waiting|context deadline exceeded/.test(message);
  const limit = inputs.timeout || DEFAULT_TIMEOUT_SECONDS;
  const hint = waited ? [`the limit was ${limit} s, the Release's \`timeout\``] : [];
  return [`Release ${namespace}/${name}: ${why}`, ...hint, ...(await describePods(cluster, pods)), next];
}

/** The namespace's pods, those of the release before the others. */
function ownFirst(pods: readonly KubeObject[], release: string): KubeObject[] {
  const isOwn = ({ metadata }: KubeObject) =>
    metadata.labels?.["app.kubernetes.io/instance"] === release || metadata.name.startsWith(`${release}-`);
  return [...pods.filter(isOwn), ...pods.filter((pod) => !isOwn(pod))];
}

/** Uninstalls a release and waits until its objects are gone; one that is gone already is fine. */
export async function uninstall(cluster: Cluster, inputs: ReleaseInputs, id: string, ctx: Context): Promise<void> {
  const { namespace = "default", name } = parseId(id);
  const waits = inputs.atomic === true || inputs.skipAwait !== true;
  const args = ["uninstall", name, "--namespace", namespace, "--ignore-not-found"];
  if (waits) args.push("--wait", "--timeout", `${inputs.timeout || DEFAULT_TIMEOUT_SECONDS}s`);
  ctx.log("info", `Release ${name}: uninstalling`, true);
  try {
    await withHelm(cluster.kubeconfig, (helm) => helm.run(args, { signal: ctx.signal }));
    ctx.log("info", "", true);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const pods = await podsOf(cluster, namespace).catch(() => []);
    const left = pods.map((pod) => pod.metadata.name).join(", ");
    throw new Error(
      `Release ${id} can't be uninstalled: ${message}${left ? `; pods still there: ${left}` : ""}; ` +
        `look closer with: helm -n ${namespace} status ${name}`,
    );
  }
}
