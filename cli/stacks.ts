import type { EngineEvent, LocalWorkspace, Stack } from "@pulumi/pulumi/automation";
import { existsSync } from "node:fs";
import { join } from "node:path";

/** The checkout whose two programs are run. */
export const PROJECT_DIR = join(__dirname, "..");

/** One of the project's two layers under a stack name. */
export interface Layer {
  name: string;
  kind: "infra" | "k8s";
}

/** Both layers of an environment, in the order in which they are raised: `dev` and `dev-k8s`. */
export function layersOf(stack: string): [Layer, Layer] {
  return [
    { name: stack, kind: "infra" },
    { name: `${stack}-k8s`, kind: "k8s" },
  ];
}

/** A stack of this name on the disk and in the backend, with what the backend says of it. */
export interface StackState {
  exists: boolean;
  /** Undefined if it was never raised or holds nothing any more. */
  resourceCount?: number;
  lastUpdate?: Date;
  updating: boolean;
}

/** Something the user can put right; the message says how. */
export class UserError extends Error {}

/** @throws UserError if there is no pulumi, no backend to log in to, or the CLI is too old */
export async function openWorkspace(): Promise<LocalWorkspace> {
  try {
    const { LocalWorkspace, PulumiCommand } = await automation();
    const pulumiCommand = await PulumiCommand.get();
    return await LocalWorkspace.create({ workDir: PROJECT_DIR, pulumiCommand });
  } catch (error) {
    if (/ENOENT/.test(String(error)))
      throw new UserError("there is no pulumi on the PATH; see https://www.pulumi.com/docs/install");
    throw error;
  }
}

/** Selects the stack, making it first if the backend doesn't have it. */
export async function openStack(workspace: LocalWorkspace, { name, kind }: Layer): Promise<Stack> {
  const file = `Pulumi.${name}.yaml`;
  if (!existsSync(join(PROJECT_DIR, file)))
    throw new UserError(
      `there is no ${file}: copy Pulumi.${kind === "infra" ? "dev" : "dev-k8s"}.yaml and set its keys`,
    );
  const { LocalWorkspace } = await automation();
  const { pulumiCommand } = workspace;
  return LocalWorkspace.createOrSelectStack({ stackName: name, workDir: PROJECT_DIR }, { pulumiCommand });
}

/** What the backend knows of the stacks, without running any program. */
export async function readStates(workspace: LocalWorkspace, layers: readonly Layer[]): Promise<StackState[]> {
  const stacks = await workspace.listStacks();
  return layers.map(({ name }) => {
    // Pulumi Cloud may put the organisation before the name.
    const found = stacks.find((stack) => stack.name === name || stack.name.endsWith(`/${name}`));
    if (found === undefined) return { exists: false, updating: false };
    const { resourceCount, lastUpdate, updateInProgress } = found;
    return {
      exists: true,
      ...(resourceCount === undefined ? {} : { resourceCount }),
      ...(lastUpdate ? { lastUpdate: new Date(lastUpdate) } : {}),
      updating: updateInProgress ?? false,
    };
  });
}

/** How every operation of the engine is watched and ended. */
export interface Watch {
  onEvent: (event: EngineEvent) => void;
  onError: (text: string) => void;
  signal: AbortSignal;
}

/** Loaded when it is needed: it takes longer than everything else here. */
function automation(): Promise<typeof import("@pulumi/pulumi/automation/index.js")> {
  return import("@pulumi/pulumi/automation/index.js");
}
