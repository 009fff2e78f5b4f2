/** When a Deployment, StatefulSet, DaemonSet, ReplicationController or Job is ready. */
import { type KubeObject, at, conditionOf, numberAt, selectorText, textAt } from "../object";
import type { Readiness, Verdict } from "./readiness";

/** Pods of a workload, by its own selector. */
function podsBySelector(object: KubeObject): string {
  return selectorText(at(object, "spec.selector"));
}

/** The controller has seen the newest spec. */
function isObserved(object: KubeObject): boolean {
  return numberAt(object, "status.observedGeneration") >= (object.metadata.generation ?? 0);
}

/** Like `kubectl rollout status`: all pods are of the newest template and available, and the old ones are gone. */
export const deployment: Readiness = {
  pods: podsBySelector,
  judge(object): Verdict {
    const wanted = numberAt(object, "spec.replicas", 1);
    const available = numberAt(object, "status.availableReplicas");
    const updated = numberAt(object, "status.updatedReplicas");
    if (!isObserved(object)) return { ready: false, status: "waiting for the deployment controller" };
    if (at(object, "spec.paused") === true) return { ready: true };
    const progressing = conditionOf(object, "Progressing");
    if (progressing?.reason === "ProgressDeadlineExceeded") {
      return { ready: false, status: "", failed: [`progress deadline exceeded: ${textAt(progressing, "message")}`] };
    }
    const complete = updated >= wanted && available >= wanted && numberAt(object, "status.replicas") <= updated;
    const failure = conditionOf(object, "ReplicaFailure");
    const why = failure?.status === "True" ? `, ${textAt(failure, "message")}` : "";
    const left = numberAt(object, "status.replicas") - updated;
    const old = left > 0 ? `, ${left} of the old ones left` : "";
    return { ready: complete, status: `${Math.min(available, updated)}/${wanted} ready${old}${why}` };
  },
};

/** Every replica beyond the partition is of the newest revision, and all are ready. */
export const statefulSet: Readiness = {
  pods: podsBySelector,
  judge(object): Verdict {
    const wanted = numberAt(object, "spec.replicas", 1);
    const ready = numberAt(object, "status.readyReplicas");
    if (!isObserved(object)) return { ready: false, status: "waiting for the statefulset controller" };
    const byHand = textAt(object, "spec.updateStrategy.type") === "OnDelete";
    const partition = numberAt(object, "spec.updateStrategy.rollingUpdate.partition");
    const updated = numberAt(object, "status.updatedReplicas") >= Math.max(0, wanted - partition);
    const rolled =
      partition > 0 || textAt(object, "status.currentRevision") === textAt(object, "status.updateRevision");
    const complete = ready >= wanted && (byHand || (updated && rolled));
    return { ready: complete, status: `${ready}/${wanted} ready` };
  },
};

/** A pod of the newest template is available on every node that should have one. */
export const daemonSet: Readiness = {
  pods: podsBySelector,
  judge(object): Verdict {
    if (!isObserved(object)) return { ready: false, status: "waiting for the daemonset controller" };
    const wanted = numberAt(object, "status.desiredNumberScheduled");
    const available = numberAt(object, "status.numberAvailable");
    const byHand = textAt(object, "spec.updateStrategy.type") === "OnDelete";
    const updated = byHand || numberAt(object, "status.updatedNumberScheduled") >= wanted;
    return { ready: updated && available >= wanted, status: `${available}/${wanted} nodes ready` };
  },
};

/** As many pods as wanted are available. */
export const replicationController: Readiness = {
  pods: (object) => selectorText({ matchLabels: at(object, "spec.selector") }),
  judge(object): Verdict {
    const wanted = numberAt(object, "spec.replicas", 1);
    const available = numberAt(object, "status.availableReplicas");
    return { ready: isObserved(object) && available >= wanted, status: `${available}/${wanted} ready` };
  },
};

/** It has ended well; a suspended one isn't waited for. */
export const job: Readiness = {
  pods: (object) => `batch.kubernetes.io/job-name=${object.metadata.name}`,
  judge(object): Verdict {
    if (at(object, "spec.suspend") === true || conditionOf(object, "Complete")?.status === "True")
      return { ready: true };
    const failure = conditionOf(object, "Failed");
    if (failure?.status === "True") {
      return { ready: false, status: "", failed: [`${textAt(failure, "reason")}: ${textAt(failure, "message")}`] };
    }
    const wanted = numberAt(object, "spec.completions", 1);
    const failed = numberAt(object, "status.failed");
    const tries = failed > 0 ? `, ${failed} pods failed` : "";
    return { ready: false, status: `${numberAt(object, "status.succeeded")}/${wanted} complete${tries}` };
  },
};
