import type { LocalWorkspace, OutputMap, Stack } from "@pulumi/pulumi/automation";

import { describePhases, type Operations } from "./operation";
import { layersOf, openStack } from "./stacks";

/** Raises the cluster, then the workloads on it; a second time it changes only what differs. */
export async function up(
  workspace: LocalWorkspace,
  operations: Operations,
  stack: string,
  { refresh }: { refresh: boolean },
): Promise<void> {
  const stacks: Stack[] = [];
  for (const layer of layersOf(stack)) {
    const opened = await openStack(workspace, layer);
    await operations.run(opened, "up", (watch) =>
      opened.up({ ...watch, color: "never", ...(refresh ? { refresh } : {}) }),
    );
    stacks.push(opened);
  }
  const [infra, k8s] = stacks;
  const outputs = { ...(await infra?.outputs()), ...(await k8s?.outputs()) };
  operations.print("", ...describePhases(operations.phases), "", ...describeAccess(stack, outputs));
}

/** Shows what `up` would do; the workloads can be planned only once their cluster exists. */
export async function preview(workspace: LocalWorkspace, operations: Operations, stack: string): Promise<void> {
  const [infra, k8s] = layersOf(stack);
  const infraStack = await openStack(workspace, infra);
  await operations.run(infraStack, "preview", (watch) => infraStack.preview({ ...watch, color: "never" }));
  const { kubeconfig } = await infraStack.outputs();
  if (kubeconfig === undefined) {
    operations.print("", `preview ${k8s.name}: possible once ${infra.name} is up`);
    return;
  }
  const k8sStack = await openStack(workspace, k8s);
  await operations.run(k8sStack, "preview", (watch) => k8sStack.preview({ ...watch, color: "never" }));
}

/** Where everything is, without any secret: those have a command each. */
export function describeAccess(stack: string, outputs: OutputMap): string[] {
  const show = (name: string): string => String(outputs[name]?.value ?? "-");
  return [
    `Bookinfo    ${show("bookinfoUrl")}`,
    `Grafana     ${show("grafanaUrl")}  user ${show("grafanaUser")}`,
    `password    pulumi stack output grafanaPassword --show-secrets --stack ${stack}-k8s`,
    `kubeconfig  pulumi stack output kubeconfig --show-secrets --stack ${stack} > kubeconfig`,
    `check       npm run check -- --stack ${stack}`,
  ];
}
