import { BatchV1Api, CoreV1Api, type KubeConfig, type V1Job, type V1Pod } from "@kubernetes/client-node";
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import { podReason, podStatus } from "../check/pod-status";
import { LOAD_CONTAINER, type Run, trafficJob } from "../k8s/traffic/job";
import { type FortioLog, type LoadReport, readLog } from "./report";

/** A run of a load in the cluster. */
export interface LoadRun {
  namespace: string;
  load: Run & { extent: { seconds: number } };
  nodeSelector?: Record<string, string>;
  /** Ends the run; the Job is removed all the same. */
  interrupt: AbortSignal;
  onProgress?: (text: string) => void;
  /** Sees the pod once it runs: whether it is meshed, say. */
  onRunning?: (pod: V1Pod) => void;
}

/** Seconds until the pod has to run: time for pulling fortio once, and for its proxy. */
const START_LIMIT = 90;
/** Seconds beyond its length that a run may take: fortio waits up to 10 s for the last answers. */
const END_LIMIT = 30;
/** Seconds for the Job to be gone. */
const REMOVAL_LIMIT = 30;

/** The load ended without a report, or the run was interrupted. */
export class NoReport extends Error {}

/**
 * Drives a load from a Job in the cluster, waits for its end and removes the Job, also when it fails or is interrupted.
 *
 * @throws NoReport with the pod's reason or fortio's last words; ApiException of the API server
 */
export async function runLoad(kubeConfig: KubeConfig, run: LoadRun): Promise<FortioLog & { report: LoadReport }> {
  const batch = kubeConfig.makeApiClient(BatchV1Api);
  const core = kubeConfig.makeApiClient(CoreV1Api);
  const { namespace, load, nodeSelector } = run;
  const name = `traffic-${randomBytes(3).toString("hex")}`;
  const deadlineSeconds = START_LIMIT + load.extent.seconds + END_LIMIT;
  const body: V1Job = trafficJob({
    name,
    namespace,
    run: load,
    deadlineSeconds,
    ...(nodeSelector && { nodeSelector }),
  });
  try {
    await batch.createNamespacedJob({ namespace, body }).catch((error: unknown) => {
      throw isMissing(error)
        ? new NoReport(`namespace ${namespace} is not there: bring the workloads up first`)
        : error;
    });
    const pod = await ended(core, name, run);
    const log = readLog(await core.readNamespacedPodLog({ namespace, name: pod, container: LOAD_CONTAINER }));
    if (!log.report) throw new NoReport(`fortio ended without a report:\n${log.text.split("\n").slice(-8).join("\n")}`);
    return { ...log, report: log.report };
  } finally {
    await remove(batch, namespace, name);
  }
}

/** Waits until the load's own container has ended, which its proxy may outlive. @returns the pod's name */
async function ended(core: CoreV1Api, job: string, run: LoadRun): Promise<string> {
  const { seconds } = run.load.extent;
  let deadline = Date.now() + START_LIMIT * 1000;
  let started: number | undefined;
  for (;;) {
    if (run.interrupt.aborted) throw new NoReport("interrupted");
    const labelSelector = `job-name=${job}`;
    const [pod] = (await core.listNamespacedPod({ namespace: run.namespace, labelSelector })).items;
    const state = pod?.status?.containerStatuses?.find(({ name }) => name === LOAD_CONTAINER)?.state;
    if (state?.terminated) return pod?.metadata?.name ?? "";
    if (pod && state?.running && started === undefined) {
      started = Date.now();
      deadline = started + (seconds + END_LIMIT) * 1000;
      run.onRunning?.(pod);
    }
    if (Date.now() > deadline)
      throw new NoReport(`the load ${started ? "does not end" : "does not start"}: ${why(pod)}`);
    const passed = started === undefined ? undefined : Math.floor((Date.now() - started) / 1000);
    run.onProgress?.(passed === undefined ? "starting the load" : `second ${passed} of ${seconds}`);
    await sleep(500, undefined, { signal: run.interrupt }).catch(() => undefined);
  }
}

/** Whether the API server knows nothing by that name. */
export const isMissing = (error: unknown): boolean => (error as { code?: number }).code === 404;

function why(pod: V1Pod | undefined): string {
  if (!pod) return "its Job has made no pod";
  return [podStatus(pod), podReason(pod)].filter((text) => text !== undefined).join(": ");
}

/** @throws NoReport with the command that removes the Job, if it cannot be removed */
async function remove(batch: BatchV1Api, namespace: string, name: string): Promise<void> {
  const byHand = `kubectl delete job --namespace ${namespace} ${name}`;
  try {
    // In the foreground: the Job is there until its pod, which may still be sending, is gone.
    await batch.deleteNamespacedJob({ namespace, name, propagationPolicy: "Foreground" });
    for (const deadline = Date.now() + REMOVAL_LIMIT * 1000; Date.now() < deadline; await sleep(250))
      await batch.readNamespacedJob({ namespace, name });
  } catch (error) {
    if (isMissing(error)) return;
    throw new NoReport(`the Job could not be removed (${(error as Error).message}): ${byHand}`);
  }
  throw new NoReport(`the Job is still there ${REMOVAL_LIMIT} s after its removal: ${byHand}`);
}
