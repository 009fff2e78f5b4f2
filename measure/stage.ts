import { AppsV1Api, CoreV1Api, type KubeConfig, type V1Node, type V1Pod } from "@kubernetes/client-node";
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import { isAbandoned, ownerOfThisRun } from "../check/leftovers";
import { isMeshed } from "../check/mesh";
import { isReady, podReason, podStatus } from "../check/pod-status";
import { isMissing } from "../traffic/run";
import { type Copy, copyNamespace, copyOf, MANAGED_BY, type Variant, VARIANTS } from "./copies";

/** A copy of Bookinfo that runs. */
export interface Standing {
  variant: Variant;
  namespace: string;
  url: string;
  pods: V1Pod[];
}

/** The measurement cannot be made; the message says why and what to do. */
export class CannotMeasure extends Error {}

/** Seconds for the pods to be ready: Liberty takes a minute or two on a busy node. */
const START_LIMIT = 300;
/** Seconds for a namespace to go, with pods that end at once. */
const REMOVAL_LIMIT = 60;
const CONTROL_PLANE = "node-role.kubernetes.io/control-plane";

/** Both copies of Bookinfo in namespaces of their own: made when first needed, removed whatever happens. */
export class Stage {
  /** Node of the client, another one than the copies' where there are two workers. */
  clientNode = "";
  private readonly core: CoreV1Api;
  private readonly apps: AppsV1Api;
  private namespaces: string[] = [];

  constructor(
    kubeConfig: KubeConfig,
    private readonly interrupt: AbortSignal,
  ) {
    this.core = kubeConfig.makeApiClient(CoreV1Api);
    this.apps = kubeConfig.makeApiClient(AppsV1Api);
  }

  /**
   * Removes what killed runs left, makes both copies and waits until they are ready.
   *
   * @param seconds how long the run takes at most; afterwards others may clear up behind it
   * @throws CannotMeasure if a pod does not become ready, or a copy is not what it should be
   */
  async raise(seconds: number, onProgress: (text: string) => void): Promise<Record<Variant, Standing>> {
    onProgress("making two copies of Bookinfo");
    await this.removeLeftovers();
    const [first, second] = (await this.core.listNode()).items.filter(isWorker).map(({ metadata }) => metadata?.name);
    if (first === undefined) throw new CannotMeasure("no worker is Ready and takes pods: kubectl get nodes");
    this.clientNode = second ?? first;
    const expires = new Date(Date.now() + (START_LIMIT + REMOVAL_LIMIT + seconds) * 1000);
    const run = randomBytes(3).toString("hex");
    const [plain, meshed] = await Promise.all(
      VARIANTS.map((variant) => this.make(variant, `daybreak-measure-${variant}-${run}`, copyOf(first), expires)),
    );
    const standing = await Promise.all([this.ready("plain", plain!), this.ready("meshed", meshed!)]);
    return { plain: standing[0], meshed: standing[1] };
  }

  /** Removes both copies and waits until they are gone. @returns what is left */
  async remove(): Promise<string[]> {
    const left = await Promise.all(this.namespaces.map((name) => this.removeNamespace(name)));
    return left.filter((name) => name !== undefined);
  }

  private async make(variant: Variant, namespace: string, copy: Copy, expires: Date): Promise<string> {
    this.namespaces.push(namespace);
    await this.core.createNamespace({ body: copyNamespace(namespace, variant, ownerOfThisRun(), expires) });
    for (const body of copy.accounts) await this.core.createNamespacedServiceAccount({ namespace, body });
    for (const body of copy.services) await this.core.createNamespacedService({ namespace, body });
    for (const body of copy.deployments) await this.apps.createNamespacedDeployment({ namespace, body });
    return namespace;
  }

  private async ready(variant: Variant, namespace: string): Promise<Standing> {
    const wanted = (await this.apps.listNamespacedDeployment({ namespace })).items.length;
    for (const deadline = Date.now() + START_LIMIT * 1000; ; await sleep(500)) {
      if (this.interrupt.aborted) throw new CannotMeasure("interrupted");
      const pods = (await this.core.listNamespacedPod({ namespace })).items;
      if (pods.length === wanted && pods.every(isReady)) return standing(variant, namespace, pods);
      if (Date.now() > deadline) throw new CannotMeasure(`the ${variant} copy does not become ready: ${waiting(pods)}`);
    }
  }

  private async removeLeftovers(): Promise<void> {
    const [[key, value]] = Object.entries(MANAGED_BY) as [[string, string]];
    const { items } = await this.core.listNamespace({ labelSelector: `${key}=${value}` });
    const abandoned = items.filter((namespace) => isAbandoned(namespace)).map(({ metadata }) => metadata?.name ?? "");
    await Promise.all(abandoned.map((name) => this.removeNamespace(name)));
  }

  private async removeNamespace(name: string): Promise<string | undefined> {
    try {
      await this.core.deleteNamespace({ name });
      for (const deadline = Date.now() + REMOVAL_LIMIT * 1000; Date.now() < deadline; await sleep(250))
        await this.core.readNamespace({ name });
      return `namespace ${name} is still Terminating; Kubernetes goes on removing it`;
    } catch (error) {
      if (isMissing(error)) return undefined;
      return `namespace ${name} could not be removed (${(error as Error).message}): kubectl delete namespace ${name}`;
    }
  }
}

function standing(variant: Variant, namespace: string, pods: V1Pod[]): Standing {
  const wrong = pods.filter((pod) => isMeshed(pod) !== (variant === "meshed")).map(({ metadata }) => metadata?.name);
  if (wrong.length > 0 && variant === "meshed")
    throw new CannotMeasure(`${wrong.join(", ")} came up without a proxy; is the mesh well? npm run check`);
  if (wrong.length > 0) throw new CannotMeasure(`${wrong.join(", ")} of the copy without mesh have a proxy`);
  return { variant, namespace, pods, url: `http://productpage.${namespace}.svc.cluster.local:9080/productpage` };
}

function isWorker({ metadata, spec, status }: V1Node): boolean {
  const ready = status?.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True");
  return metadata?.labels?.[CONTROL_PLANE] === undefined && !spec?.unschedulable && ready === true;
}

function waiting(pods: V1Pod[]): string {
  const some = pods
    .filter((pod) => !isReady(pod))
    .map((pod) => `${pod.metadata?.name} ${podStatus(pod)} ${podReason(pod) ?? ""}`);
  return some.join("; ").trim() || "pods are missing: kubectl get events -A";
}
