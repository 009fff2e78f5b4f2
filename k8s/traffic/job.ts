import { type Load, loadPod } from "./load";

/** A load that ends, and so reports. */
export type Run = Load & { extent: Exclude<Load["extent"], "forever"> };

export interface JobArgs {
  name: string;
  namespace: string;
  run: Run;
  /** The pod and its traffic are over by then, in seconds, whatever happens to whoever started them. */
  deadlineSeconds: number;
  /** Where the pod goes; anywhere by default. */
  nodeSelector?: Record<string, string>;
}

/** Container with the load, beside the mesh's proxy. */
export const LOAD_CONTAINER = "fortio";

/** Seconds that an ended Job stays for whoever wants its log and was not there to read it. */
const KEPT_SECONDS = 300;

/**
 * A Job with one pod that drives a load once. Its namespace decides whether the pod is meshed. The end of the run is the
 * end of its container, not of the Job: an ordinary proxy (Linkerd 2.14) beside it would go on until the deadline.
 */
export function trafficJob({ name, namespace, run, deadlineSeconds, nodeSelector }: JobArgs) {
  const labels = { app: "traffic-job" };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name, namespace, labels },
    spec: {
      backoffLimit: 0,
      activeDeadlineSeconds: deadlineSeconds,
      ttlSecondsAfterFinished: KEPT_SECONDS,
      template: {
        metadata: { labels },
        spec: { ...loadPod(run), restartPolicy: "Never", ...(nodeSelector && { nodeSelector }) },
      },
    },
  };
}
