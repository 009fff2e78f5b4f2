import type { Deployment, LocalWorkspace, Stack } from "@pulumi/pulumi/automation";

import { readHealth } from "./cluster";
import { describePhases, type Operations } from "./operation";
import { layersOf, openStack, readStates, UserError } from "./stacks";

export interface DestroyOptions {
  /** The cluster is dead: forget the workloads instead of deleting them from it. */
  clusterGone: boolean;
}

/**
 * Removes the workloads, then the machines. Both stacks stay in the backend, empty, with their history.
 *
 * @throws UserError with the way out, if there are workloads but no API server to delete them from
 */
export async function destroy(
  workspace: LocalWorkspace,
  operations: Operations,
  stack: string,
  { clusterGone }: DestroyOptions,
): Promise<void> {
  const [infra, k8s] = layersOf(stack);
  const [infraState, k8sState] = await readStates(workspace, [infra, k8s]);
  const hasWorkloads = k8sState?.exists === true && k8sState.resourceCount !== 0;
  if (hasWorkloads) {
    const workloads = await openStack(workspace, k8s);
    const health = infraState?.exists
      ? await readHealth(await (await openStack(workspace, infra)).outputs())
      : undefined;
    if (health?.ok) await remove(operations, workloads);
    else await forgetOrExplain(operations, workloads, stack, clusterGone, health?.detail ?? "there is no kubeconfig");
  }
  if (infraState?.exists) await remove(operations, await openStack(workspace, infra));
  if (operations.phases.length === 0) operations.print(`stacks ${stack} and ${stack}-k8s hold nothing`);
  else operations.print("", ...describePhases(operations.phases));
}

async function remove(operations: Operations, stack: Stack): Promise<void> {
  await operations.run(stack, "destroy", (watch) => stack.destroy({ ...watch, color: "never" }));
}

async function forgetOrExplain(
  operations: Operations,
  workloads: Stack,
  stack: string,
  clusterGone: boolean,
  why: string,
): Promise<void> {
  if (!clusterGone) throw new UserError(unreachable(stack, why));
  const start = performance.now();
  const deployment = await workloads.exportStack();
  const { emptied, count } = withoutResources(deployment);
  if (count > 0) await workloads.importStack(emptied);
  operations.note(workloads.name, "forget", start, `${count} forgotten`);
}

/** The same state with nothing in it: what it held dies with the machines, and keys and passwords live nowhere else. */
export function withoutResources(deployment: Deployment): { emptied: Deployment; count: number } {
  const content = deployment.deployment as { resources?: unknown[] };
  const { resources = [], ...rest } = content;
  const emptied = { ...rest, resources: [], pending_operations: [] };
  return { emptied: { ...deployment, deployment: emptied }, count: resources.length };
}

function unreachable(stack: string, why: string): string {
  return [
    `the workloads of ${stack}-k8s cannot be deleted: the API server doesn't answer (${why})`,
    `  → if it should: npm run check -- --stack ${stack} says why it doesn't`,
    `  → if the machines go anyway: npm run destroy -- --stack ${stack} --cluster-gone`,
    `  → if the machines are gone, but the state shall be kept in step by Pulumi itself:`,
    `      PULUMI_K8S_DELETE_UNREACHABLE=true pulumi refresh --stack ${stack}-k8s`,
  ].join("\n");
}
