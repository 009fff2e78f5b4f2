/** Why pods aren't ready, in a line each: container, reason, last line of the log, events. */
import type { Properties } from "../../server/provider";
import type { Cluster } from "../cluster";
import { type KubeObject, conditionOf, idOf, listAt, numberAt, textAt } from "../object";

/** Most pods that one message names; of the others it says how many there are. */
const MOST_PODS = 5;
/** A line of a log or an event is cut here. */
const MOST_CHARACTERS = 300;

/** Pods of a namespace, all or by label selector. */
export function podsOf(cluster: Cluster, namespace: string, selector?: string): Promise<KubeObject[]> {
  return cluster.list(`/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`, { labelSelector: selector });
}

/** Whether a pod needs no more waiting: ready, or ended well. */
export function isPodReady(pod: KubeObject): boolean {
  return textAt(pod, "status.phase") === "Succeeded" || conditionOf(pod, "Ready")?.status === "True";
}

/** Pods that are wanted but not ready; those on their way out don't count. */
export function unreadyPods(pods: readonly KubeObject[]): KubeObject[] {
  return pods.filter((pod) => !pod.metadata.deletionTimestamp && !isPodReady(pod));
}

/** One container's trouble. */
interface Trouble {
  container: string;
  /** Reason in the API's words, e.g. `ImagePullBackOff`, `CrashLoopBackOff`, `Error`. */
  reason: string;
  message: string;
  /** It has run, so it may have a log; `previous` = of the run before. */
  logged: boolean;
  previous: boolean;
}

/** The containers of a pod that hold it up, the init containers first. */
export function troublesOf(pod: KubeObject): Trouble[] {
  const init = listAt(pod, "status.initContainerStatuses").filter((status) => !initIsDone(status));
  const main = listAt(pod, "status.containerStatuses").filter((status) => status.ready !== true);
  // While an init container runs, the others wait for it and say nothing of interest.
  return (init.length > 0 ? init : main).map(troubleOf);
}

function initIsDone(status: Properties): boolean {
  return textAt(status, "state.terminated.reason") === "Completed" || status.ready === true;
}

function troubleOf(status: Properties): Trouble {
  const container = textAt(status, "name");
  const last = textAt(status, "lastState.terminated.reason");
  const lastCode = last ? ` (last run: ${last}, exit code ${numberAt(status, "lastState.terminated.exitCode")})` : "";
  const waiting = textAt(status, "state.waiting.reason");
  if (waiting) {
    const message = textAt(status, "state.waiting.message") + lastCode;
    return { container, reason: waiting, message, logged: last !== "", previous: last !== "" };
  }
  const ended = textAt(status, "state.terminated.reason");
  if (ended) {
    const message = `exit code ${numberAt(status, "state.terminated.exitCode")} ${textAt(status, "state.terminated.message")}`;
    return { container, reason: ended, message, logged: true, previous: false };
  }
  return { container, reason: "running, not ready", message: lastCode, logged: true, previous: false };
}

/** Short state of a pod for a progress line, e.g. `ImagePullBackOff`, `Unschedulable`, `Pending`. */
export function podReason(pod: KubeObject): string {
  const scheduled = conditionOf(pod, "PodScheduled");
  if (scheduled?.status === "False") return textAt(scheduled, "reason") || "not scheduled";
  const telling = troublesOf(pod).find(({ reason }) => reason !== "ContainerCreating" && reason !== "PodInitializing");
  return telling?.reason ?? (textAt(pod, "status.reason") || textAt(pod, "status.phase") || "Pending");
}

/**
 * One line for each pod that isn't ready: what its containers wait for, the last line of their log, and the newest
 * warning about it. Asks the API server for logs and events; what it won't tell is left out.
 */
export async function describePods(cluster: Cluster, pods: readonly KubeObject[]): Promise<string[]> {
  const unready = unreadyPods(pods);
  const lines = await Promise.all(unready.slice(0, MOST_PODS).map((pod) => describePod(cluster, pod)));
  if (unready.length > MOST_PODS) lines.push(`… and ${unready.length - MOST_PODS} more pods that are not ready`);
  return lines;
}

async function describePod(cluster: Cluster, pod: KubeObject): Promise<string> {
  const troubles = troublesOf(pod);
  const parts = await Promise.all(troubles.map((trouble) => describeTrouble(cluster, pod, trouble)));
  const scheduled = conditionOf(pod, "PodScheduled");
  if (scheduled?.status === "False") parts.push(textAt(scheduled, "message"));
  if (textAt(pod, "status.message")) parts.push(textAt(pod, "status.message"));
  const [warning] = await warningsAbout(cluster, pod);
  if (warning) parts.push(`event: ${warning}`);
  const node = textAt(pod, "spec.nodeName");
  const where = node ? ` on ${node}` : "";
  return `Pod ${idOf(pod)}${where}: ${parts.filter(Boolean).join("; ") || podReason(pod)}`;
}

async function describeTrouble(cluster: Cluster, pod: KubeObject, trouble: Trouble): Promise<string> {
  const log = trouble.logged ? await lastLogLine(cluster, pod, trouble) : "";
  const about = [trouble.reason, short(trouble.message)].filter(Boolean).join(": ");
  return `container ${trouble.container} ${about}${log ? `, its log ends: ${log}` : ""}`;
}

async function lastLogLine(cluster: Cluster, pod: KubeObject, trouble: Trouble): Promise<string> {
  const { namespace = "default", name } = pod.metadata;
  const ask = async (previous: boolean) => {
    const text = await cluster.connection.send({
      method: "GET",
      path: `/api/v1/namespaces/${namespace}/pods/${name}/log`,
      query: { container: trouble.container, tailLines: "5", previous: String(previous) },
      text: true,
      signal: AbortSignal.timeout(3000),
    });
    return String(text).trim().split("\n").pop() ?? "";
  };
  // The kubelet may be out of reach, or the log gone: a message without it is better than none.
  return short(await ask(trouble.previous).catch(() => ""));
}

/** Newest warnings about an object, the newest first; none when the API server won't say. */
export async function warningsAbout(cluster: Cluster, object: KubeObject): Promise<string[]> {
  const { namespace = "default", name, uid } = object.metadata;
  const fieldSelector = `type=Warning,involvedObject.name=${name}${uid ? `,involvedObject.uid=${uid}` : ""}`;
  const events = await cluster
    .list(`/api/v1/namespaces/${namespace}/events`, { fieldSelector }, AbortSignal.timeout(3000))
    .catch(() => []);
  const time = (event: KubeObject) => textAt(event, "lastTimestamp") || textAt(event, "eventTime");
  events.sort((a, b) => time(b).localeCompare(time(a)));
  return events.map((event) => short(`${textAt(event, "reason")}: ${textAt(event, "message")}`));
}

function short(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > MOST_CHARACTERS ? `${line.slice(0, MOST_CHARACTERS)}…` : line;
}
