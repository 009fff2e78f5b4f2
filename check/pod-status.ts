import type { V1ContainerStatus, V1Pod } from "@kubernetes/client-node";

/** The STATUS column of `kubectl get pods`, by which people know the picture: `Init:1/2`, `PostStartHookError`, … */
export function podStatus(pod: V1Pod): string {
  if (pod.metadata?.deletionTimestamp) return "Terminating";
  return initStatus(pod) ?? containerStatus(pod) ?? pod.status?.reason ?? pod.status?.phase ?? "Unknown";
}

/** The READY column: `0/4`. Native sidecars count, as they do for kubectl. */
export function readyColumn(pod: V1Pod): string {
  const statuses = readinessStatuses(pod);
  return `${statuses.filter(({ ready }) => ready).length}/${statuses.length}`;
}

/** Whether the pod's Ready condition holds, or it has run to its end. */
export function isReady(pod: V1Pod): boolean {
  if (pod.status?.phase === "Succeeded") return true;
  return pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
}

/** The longest explanation that a waiting or ended container gives, on one line. */
export function podReason(pod: V1Pod): string | undefined {
  const messages = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])].flatMap(
    ({ state, lastState }) => [state?.waiting?.message, state?.terminated?.message, lastState?.terminated?.message],
  );
  const unscheduled = pod.status?.conditions?.find(({ type, status }) => type === "PodScheduled" && status === "False");
  const longest = [...messages, unscheduled?.message, pod.status?.message]
    .filter((message) => message !== undefined)
    .sort((a, b) => b.length - a.length)[0];
  return longest?.trim().replace(/\s+/g, " ").slice(0, 300);
}

function nativeSidecars(pod: V1Pod): Set<string> {
  const init = pod.spec?.initContainers ?? [];
  return new Set(init.filter(({ restartPolicy }) => restartPolicy === "Always").map(({ name }) => name));
}

function readinessStatuses(pod: V1Pod): { ready: boolean }[] {
  const sidecars = nativeSidecars(pod);
  const byName = new Map(
    [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])].map((status) => [
      status.name,
      status,
    ]),
  );
  const names = [...sidecars, ...(pod.spec?.containers ?? []).map(({ name }) => name)];
  return names.map((name) => ({ ready: byName.get(name)?.ready ?? false }));
}

/** `Init:…` while an init container has not done its work, undefined afterwards. */
function initStatus(pod: V1Pod): string | undefined {
  const sidecars = nativeSidecars(pod);
  const statuses = pod.status?.initContainerStatuses ?? [];
  const total = pod.spec?.initContainers?.length ?? 0;
  const index = statuses.findIndex((status) => !initDone(status, sidecars.has(status.name)));
  const current = statuses[index];
  if (current === undefined) return undefined;
  const { waiting, terminated } = current.state ?? {};
  if (terminated) return `Init:${terminated.reason ?? `ExitCode:${terminated.exitCode}`}`;
  if (waiting?.reason && waiting.reason !== "PodInitializing") return `Init:${waiting.reason}`;
  return `Init:${index}/${total}`;
}

function initDone(status: V1ContainerStatus, sidecar: boolean): boolean {
  if (sidecar) return status.started === true;
  return status.state?.terminated?.exitCode === 0;
}

/** The worst that a container says: what waits comes before what has ended. */
function containerStatus(pod: V1Pod): string | undefined {
  const states = (pod.status?.containerStatuses ?? []).map(({ state }) => state);
  const waiting = states.map((state) => state?.waiting?.reason).filter((reason) => reason !== undefined);
  // One container in PostStartHookError keeps the others in PodInitializing: the telling one counts.
  const telling = waiting.find((reason) => reason !== "PodInitializing" && reason !== "ContainerCreating");
  if (telling ?? waiting[0]) return telling ?? waiting[0];
  const ended = states.find((state) => state?.terminated)?.terminated;
  return ended ? (ended.reason ?? `ExitCode:${ended.exitCode}`) : undefined;
}
