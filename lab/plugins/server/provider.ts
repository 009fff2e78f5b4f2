/**
 * What a plugin of the lab implements. `serve` (serve.ts) speaks the engine's protocol for it.
 *
 * Rules that the server keeps, so that a provider need not:
 * - secrets: see values.ts. `secretOutputs` of a type are always secret.
 * - previews: in a preview `create` and `update` are never called, `preview` is, where it exists.
 * - timeouts and cancel: `ctx.signal` is aborted for both, with a reason that says which; pass it on, and stop soon.
 * - an error thrown by `check` … `delete` fails that resource with its message; name resource, step, reason and remedy.
 */
import type { PropertySchema } from "./schema";
import type { Properties } from "./values";

export type { Properties } from "./values";
export { Asset, Secret, UNKNOWN, hasUnknown, secret } from "./values";

/** How important a line of the log is; `debug` shows only with `--debug`. */
export type Level = "debug" | "info" | "warning" | "error";

/** What every call gets besides its own arguments. */
export interface Context {
  /** URN of the resource; for a function the empty string. */
  readonly urn: string;
  /** Type token of the resource, e.g. `aws:ec2/vpc:Vpc`, or token of the function. */
  readonly type: string;
  /** Name of the resource in the program; for a function the empty string. */
  readonly name: string;
  /** True in `pulumi preview` and in the preview part of `pulumi up`: change nothing. */
  readonly preview: boolean;
  /** Limit of the operation in seconds, from `customTimeouts` or the type's default; 0 = none. */
  readonly timeoutSeconds: number;
  /** Aborted on cancel (^C) and when the limit is over. `signal.reason` is an Error that says which. */
  readonly signal: AbortSignal;
  /** Top-level inputs that are, or contain, a secret. */
  readonly secretInputs: readonly string[];
  /** What `configure` returned; without it the configuration as the engine sent it. */
  readonly config: unknown;
  /** Shows a line at the resource; an `ephemeral` one only as its status while it runs. */
  log(level: Level, message: string, ephemeral?: boolean): void;
}

/** A refused input: `property` as a path (`tags.Name`, `ingress[0].port`, "" = the resource as such). */
export interface Failure {
  property: string;
  reason: string;
}

/** Inputs as they go on (defaults filled), and what is wrong with them. */
export interface Checked {
  inputs: object;
  failures: Failure[];
}

/** What a difference between old and new inputs means. */
export interface Difference {
  changes: boolean;
  /** Top-level properties whose change needs a new resource; not empty = replace. */
  replaces?: string[];
  /** Top-level properties that change in place (shown by the preview). Default: found by comparison. */
  updates?: string[];
  /** Remove the old one first (its name, address … is needed by the new one). Default false. */
  deleteBeforeReplace?: boolean;
}

/** A resource that exists: its id, its state and the inputs that it was made with. */
export interface Existing<S> {
  id: string;
  state: S;
  inputs: Properties;
}

/** One resource type. `I` inputs after the check, `S` state. */
export interface ResourceType<I extends object = Properties, S extends object = Properties> {
  /**
   * The inputs that exist. The server refuses unknown ones, wrong types and missing required ones, all at once,
   * and fills defaults. Leave out only where `check` does that itself (generic types).
   */
  inputs?: Record<string, PropertySchema>;
  /** State properties that are no inputs; unknown in the preview of a create unless `preview` gives them. */
  outputs?: readonly string[];
  /** State properties that are always secret. */
  secretOutputs?: readonly string[];
  /** Limit in seconds where the program sets no `customTimeouts`; default 0 = none. */
  timeoutSeconds?: number;
  /** Replacing deletes the old resource first. Default false. */
  deleteBeforeReplace?: boolean;

  /** Checks beyond `inputs`, with defaults already filled; `olds` are the inputs of the last update, if any. */
  check?(news: Properties, olds: Properties | undefined, ctx: Context): Checked | Promise<Checked>;
  /** Default: each changed input is an update, or a replacement if its schema says `replace`. */
  diff?(old: Existing<S>, news: I, ctx: Context): Difference | Promise<Difference>;
  /**
   * State to be expected of a create (`old` undefined) or an update, without changing anything. Inputs may hold UNKNOWN.
   * Default: a create gives the inputs and UNKNOWN for `outputs`, an update the old state with the new inputs.
   */
  preview?(inputs: I, ctx: Context, old?: Existing<S>): object | Promise<object>;
  /** Makes it. When it exists but is not as it should be, throw `PartialError`, so that it isn't lost. */
  create(inputs: I, ctx: Context): Promise<{ id: string; state: object }>;
  /** Looks at the real thing; undefined = gone. `inputs`, if given, replace the stored ones. Default: as stored. */
  read?(existing: Existing<S>, ctx: Context): Promise<{ id: string; state: object; inputs?: object } | undefined>;
  /** Changes it in place and gives the new state. A type without it is replaced on every change. */
  update?(old: Existing<S>, inputs: I, ctx: Context): Promise<object>;
  /** Removes it; must succeed when it is already gone. Default: nothing to do. */
  delete?(existing: Existing<S>, ctx: Context): Promise<void>;
}

/** A function of a provider (`aws.getAvailabilityZones`). Arguments hold no UNKNOWN. */
export type ProviderFunction = (args: Properties, ctx: Context) => Promise<object>;

// Types differ from resource to resource, so the collection can't name one.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnyResourceType = ResourceType<any, any>;

/** A plugin. */
export interface Provider {
  /** Name of the package, e.g. `random`. */
  name: string;
  /** Version of the npm package whose resources it serves. */
  version: string;
  /**
   * Configuration keys that exist, checked as inputs are. The SDK sends everything but strings JSON-encoded; the
   * server decodes it for keys whose type here isn't `string`. Without it every configuration is let through as sent.
   */
  configuration?: Record<string, PropertySchema>;
  /** Checks beyond `configuration`. */
  checkConfig?(news: Properties, olds: Properties | undefined, ctx: Context): Checked | Promise<Checked>;
  /** Default: a change of a key whose schema says `replace` replaces the provider and all its resources. */
  diffConfig?(olds: Properties, news: Properties, ctx: Context): Difference | Promise<Difference>;
  /** Called once before the first resource; what it returns is `ctx.config`. Not called while the configuration is unknown. */
  configure?(config: Properties, ctx: Context): unknown;
  /** The types by token, or a function for providers whose types are open. Unknown token = the resource is refused. */
  resources: Record<string, AnyResourceType> | ((type: string) => AnyResourceType | undefined);
  /** Functions by token, e.g. `aws:index/getAvailabilityZones:getAvailabilityZones`. */
  functions?: Record<string, ProviderFunction>;
}

/** Thrown by `create` or `update`: the resource exists, but is not as it should be. The engine keeps it and says why. */
export class PartialError extends Error {
  constructor(
    readonly id: string,
    readonly state: object,
    /** What is wrong, one line each. */
    readonly reasons: string[],
    /** Inputs to be stored instead of the new ones. */
    readonly inputs?: object,
  ) {
    super(reasons.join("; "));
    this.name = "PartialError";
  }
}
