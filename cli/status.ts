import type { LocalWorkspace, OutputMap } from "@pulumi/pulumi/automation";

import { readHealth, type Health } from "./cluster";
import type { Operations } from "./operation";
import { layersOf, openStack, readStates, type Layer, type StackState } from "./stacks";

/** Outputs longer than this many characters are cut. */
const WIDTH = 100;

/** Prints, for each stack, when it was last updated, how much it holds and its outputs without secrets, then the cluster's health. */
export async function status(workspace: LocalWorkspace, operations: Operations, stack: string): Promise<void> {
  const layers = layersOf(stack);
  const states = await readStates(workspace, layers);
  let health: Health | undefined;
  for (const [index, layer] of layers.entries()) {
    const state = states[index] ?? { exists: false, updating: false };
    const outputs = state.exists ? await (await openStack(workspace, layer)).outputs() : {};
    operations.print(...describeStack(layer, state, outputs), "");
    if (layer.kind === "infra") health = await readHealth(outputs);
  }
  operations.print(describeHealth(health));
}

/** One stack's block. */
export function describeStack({ name }: Layer, state: StackState, outputs: OutputMap): string[] {
  if (!state.exists) return [`${name}: does not exist; npm run up makes it`];
  const when = state.lastUpdate
    ? `last update ${state.lastUpdate.toISOString().slice(0, 16).replace("T", " ")} UTC`
    : "never updated";
  const count = `${state.resourceCount ?? 0} resources`;
  const lock = state.updating ? ", an update is under way" : "";
  const width = Math.max(0, ...Object.keys(outputs).map((key) => key.length));
  const lines = Object.entries(outputs).map(
    ([key, { value, secret }]) => `  ${key.padEnd(width)}  ${show(value, secret)}`,
  );
  return [`${name}: ${count}, ${when}${lock}`, ...lines];
}

function describeHealth(health: Health | undefined): string {
  if (health === undefined) return "– there is no cluster";
  const { server, ok, detail } = health;
  return ok ? `✔ ${server} answers (${detail})` : `✘ ${server} doesn't answer: ${detail}`;
}

function show(value: unknown, secret: boolean): string {
  if (secret) return "[secret]";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > WIDTH ? `${text.slice(0, WIDTH)}…` : text;
}
