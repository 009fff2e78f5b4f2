import type { V1Namespace } from "@kubernetes/client-node";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

import { ApiError, type Api } from "./api";
import { EXPIRES_ANNOTATION, MANAGED_BY, OWNER_ANNOTATION } from "./manifests";

const SELECTOR = encodeURIComponent(
  Object.entries(MANAGED_BY)
    .map(([key, value]) => `${key}=${value}`)
    .join(","),
);
const WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";

/** Seconds to wait for a namespace to go, which usually takes two. */
const REMOVAL_LIMIT = 15;

/** Machine and process of this run, by which the next run on this machine tells whether it still lives. */
export function ownerOfThisRun(): string {
  return `${hostname()}/${process.pid}`;
}

/** Whether nobody uses this namespace any more: its process is gone, or was elsewhere and had its time. */
export function isAbandoned({ metadata }: V1Namespace, now = Date.now(), alive = isAlive): boolean {
  const [host, pid] = (metadata?.annotations?.[OWNER_ANNOTATION] ?? "").split("/");
  const expired = now > Date.parse(metadata?.annotations?.[EXPIRES_ANNOTATION] ?? "1970-01-01T00:00:00Z");
  return expired || (host === hostname() && !alive(Number(pid)));
}

/**
 * Starts the removal of every namespace and webhook configuration of killed runs; doesn't wait for its end.
 *
 * @returns the namespaces' names, for {@link removeNamespace}
 */
export async function removeLeftovers(api: Api): Promise<string[]> {
  const { items } = await api.get<{ items: V1Namespace[] }>(`/api/v1/namespaces?labelSelector=${SELECTOR}`);
  const names = items.filter((item) => isAbandoned(item)).map(({ metadata }) => metadata?.name ?? "");
  const kept = new Set(items.map(({ metadata }) => metadata?.name));
  const webhooks = await api.get<{ items: V1Namespace[] }>(`${WEBHOOKS}?labelSelector=${SELECTOR}`);
  const orphans = webhooks.items.map(({ metadata }) => metadata?.name ?? "").filter((name) => !kept.has(name));
  await Promise.all([
    ...names.map((name) => startRemoval(api, name)),
    ...orphans.map((name) => api.remove(`${WEBHOOKS}/${name}`)),
  ]);
  return names;
}

/**
 * Removes a namespace of ours and waits until it is gone.
 *
 * @returns what is left and why, or undefined if nothing is
 */
export async function removeNamespace(api: Api, name: string): Promise<string | undefined> {
  try {
    await startRemoval(api, name);
    const deadline = Date.now() + REMOVAL_LIMIT * 1000;
    for (;;) {
      const namespace = await find(api, name);
      if (namespace === undefined) return undefined;
      const obstacle = discoveryObstacle(namespace);
      if (obstacle !== undefined) await finalize(api, namespace);
      else if (Date.now() > deadline) return `namespace ${name} is still Terminating; Kubernetes goes on removing it`;
      await sleep(250);
    }
  } catch (error) {
    return `namespace ${name} could not be removed (${(error as Error).message}): kubectl delete namespace ${name}`;
  }
}

/** The pods go at once and by force, so that a node that doesn't answer cannot hold up the rest. */
async function startRemoval(api: Api, name: string): Promise<void> {
  await Promise.all([
    api.remove(`${WEBHOOKS}/${name}`),
    api.remove(`/api/v1/namespaces/${name}/pods?gracePeriodSeconds=0`),
  ]);
  await api.remove(`/api/v1/namespaces/${name}`);
}

/**
 * An API group without backend, such as a tap service that the API server cannot reach, keeps *every* namespace of the
 * cluster in Terminating although nothing is left in it.
 */
function discoveryObstacle({ status }: V1Namespace): string | undefined {
  const conditions = status?.conditions ?? [];
  const holds = (type: string): boolean =>
    conditions.some((condition) => condition.type === type && condition.status === "True");
  const contentLeft = holds("NamespaceContentRemaining") || holds("NamespaceFinalizersRemaining");
  if (contentLeft) return undefined;
  const discovery = conditions.find(({ type }) => type === "NamespaceDeletionDiscoveryFailure");
  return discovery?.status === "True" ? discovery.message : undefined;
}

/** Does for the namespace what the controller would do if discovery worked: what was in it, this check made and removed. */
async function finalize(api: Api, namespace: V1Namespace): Promise<void> {
  const name = namespace.metadata?.name ?? "";
  const resources = ["configmaps", "secrets", "services", "serviceaccounts", "pods"];
  for (const resource of resources) await removeAll(api, name, resource);
  await api
    .request("PUT", `/api/v1/namespaces/${name}/finalize`, {
      body: { ...namespace, spec: { finalizers: [] } },
    })
    .catch(ignoreGone);
}

async function removeAll(api: Api, namespace: string, resource: string): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/${resource}`;
  const { items } = await api.get<{ items: V1Namespace[] }>(path);
  await Promise.all(items.map(({ metadata }) => api.remove(`${path}/${metadata?.name ?? ""}?gracePeriodSeconds=0`)));
}

async function find(api: Api, name: string): Promise<V1Namespace | undefined> {
  return api.get<V1Namespace>(`/api/v1/namespaces/${name}`).catch(ignoreGone);
}

function ignoreGone(error: unknown): undefined {
  if (error instanceof ApiError && (error.status === 404 || error.status === 409)) return undefined;
  throw error;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
