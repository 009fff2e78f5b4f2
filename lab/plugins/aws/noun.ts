import { setTimeout as delay } from "node:timers/promises";

import { Ec2Error, isEc2Error } from "../../ec2/model/errors";
import type { Ec2State, Tags } from "../../ec2/model/state";
import type { Context, Difference, Existing, Failure, Properties, ResourceType } from "../server/provider";
import { UNKNOWN, hasUnknown } from "../server/provider";
import type { PropertySchema } from "../server/schema";
import { accountOf, type Account } from "./account";

/** One kind of EC2 object as the plugin serves it; `defineType` adds tags, errors, retries, previews and refresh. */
export interface Noun<O> {
  /** As the AWS provider calls it in its messages: "EC2 VPC". */
  title: string;
  /** EC2's calls that create, change and delete it. */
  calls: { create: string; update?: string; delete: string };
  /** Input properties without `tags` and `region`, which all have. */
  inputs: Record<string, PropertySchema>;
  /** Properties of the state that are no inputs, or that EC2 fills when the program doesn't. */
  outputs: readonly string[];
  /** Whether EC2 keeps tags with it; then `tags` is an input. */
  tagged: boolean;
  /** Fills what depends on other inputs, and says what is wrong with them. */
  check?(inputs: Properties, olds: Properties | undefined, ctx: Context): Failure[];
  /** Differences beyond "each input as its schema says". */
  diff?(difference: Required<Difference>, old: Existing<Properties>, news: Properties): Difference;
  /** Makes it and gives its id. */
  create(inputs: Properties, account: Account, ctx: Context): Promise<string>;
  /** Finds it in the model, or throws EC2's error for "there is none". */
  find(state: Ec2State, existing: { id: string; state: Properties; inputs: Properties }): O;
  /** Its properties as EC2 shows them. `known` are the inputs, and what the state held before. */
  describe(object: O, state: Ec2State, account: Account, known: Properties): Properties;
  /** The inputs that would make what EC2 has; compared with the program's after a refresh. */
  observe(object: O, state: Ec2State): Properties;
  /** Changes everything but tags in place. */
  update?(old: Existing<Properties>, inputs: Properties, account: Account, ctx: Context): Promise<void>;
  /** Properties that an update makes unknown until it is done. */
  unknownAfter?(old: Existing<Properties>, inputs: Properties): string[];
  /** Removes it. */
  delete(existing: Existing<Properties>, account: Account, ctx: Context): Promise<void>;
}

const tags: PropertySchema = { type: "map", items: { type: "string" } };

/** How long a delete waits for what still depends on the object, where the program sets no timeout. Nothing in the lab takes longer. */
const deleteLimitSeconds = 30;

/** A resource type for the plugin server, made of an EC2 noun. */
export function defineType<O>(noun: Noun<O>): ResourceType {
  const common: Record<string, PropertySchema> = { region: { type: "string", replace: true } };
  if (noun.tagged) common.tags = tags;
  return {
    inputs: { ...noun.inputs, ...common },
    outputs: [...noun.outputs, "region", ...(noun.tagged ? ["tagsAll"] : [])],
    check: (news, olds, ctx) => check(noun, news, olds, ctx),
    diff: (old, news) => diff(noun, old, news),
    preview: (inputs, ctx, old) => preview(noun, inputs, ctx, old),
    create: async (inputs, ctx) => {
      const account = accountOf(ctx);
      const id = await told(`creating ${noun.title}`, noun.calls.create, () => noun.create(inputs, account, ctx));
      return { id, state: describe(noun, account, { id, state: {}, inputs }) };
    },
    read: (existing, ctx) => read(noun, existing, ctx),
    update: (old, inputs, ctx) => update(noun, old, inputs, ctx),
    delete: (existing, ctx) => remove(noun, existing, ctx),
  };
}

function check<O>(noun: Noun<O>, news: Properties, olds: Properties | undefined, ctx: Context) {
  const account = accountOf(ctx);
  const inputs = { ...news };
  const failures = noun.check?.(inputs, olds, ctx) ?? [];
  if (typeof inputs.region === "string" && inputs.region !== account.region) {
    failures.push({ property: "region", reason: `the lab plays only the provider's region, ${account.region}` });
  }
  if (noun.tagged) {
    inputs.tagsAll =
      inputs.tags === UNKNOWN ? UNKNOWN : { ...account.defaultTags, ...(inputs.tags as Tags | undefined) };
  }
  return { inputs, failures };
}

function diff<O>(noun: Noun<O>, old: Existing<Properties>, news: Properties): Difference {
  const keys = new Set([...dropped(noun, old, news), ...Object.keys(news)]);
  const updates = [...keys].filter((key) => !same(old.inputs[key], news[key])).sort();
  const replaces = updates.filter((key) => noun.inputs[key]?.replace === true || key === "region");
  const found = { changes: updates.length > 0, updates, replaces, deleteBeforeReplace: false };
  return noun.diff?.(found, old, news) ?? withoutDefault(found);
}

/** Left out, so that the program's own `deleteBeforeReplace` decides. */
function withoutDefault({ changes, updates, replaces }: Required<Difference>): Difference {
  return { changes, updates, replaces };
}

function same(a: unknown, b: unknown): boolean {
  if (hasUnknown(a) || hasUnknown(b)) return false;
  return JSON.stringify(sorted(a ?? null)) === JSON.stringify(sorted(b ?? null));
}

function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function preview<O>(noun: Noun<O>, inputs: Properties, ctx: Context, old?: Existing<Properties>): Properties {
  if (old === undefined) {
    const unknown = Object.fromEntries(noun.outputs.map((key) => [key, UNKNOWN]));
    return { ...unknown, region: accountOf(ctx).region, ...inputs };
  }
  const unknown = (noun.unknownAfter?.(old, inputs) ?? []).map((key) => [key, UNKNOWN] as const);
  return { ...kept(noun, old, inputs), ...inputs, ...Object.fromEntries(unknown) };
}

/** Inputs that the program no longer gives. Those that EC2 fills stay as they are, as with upstream's provider. */
function dropped<O>(noun: Noun<O>, old: Existing<Properties>, news: Properties): string[] {
  return Object.keys(old.inputs).filter((key) => !(key in news) && !noun.outputs.includes(key));
}

function kept<O>(noun: Noun<O>, old: Existing<Properties>, news: Properties): Properties {
  const gone = dropped(noun, old, news);
  return Object.fromEntries(Object.entries(old.state).filter(([key]) => !gone.includes(key)));
}

/** The state of an object that exists: what the program asked for, and EC2's view of it. */
function describe<O>(noun: Noun<O>, account: Account, existing: Existing<Properties>): Properties {
  const state = account.cloud().read();
  const object = noun.find(state, existing);
  const known = { ...existing.state, ...existing.inputs };
  const described = { ...known, ...noun.describe(object, state, account, known), region: account.region };
  return noun.tagged ? { ...described, tagsAll: (object as { tags: Tags }).tags } : described;
}

async function read<O>(noun: Noun<O>, existing: Existing<Properties>, ctx: Context) {
  const account = accountOf(ctx);
  const state = account.cloud().read();
  let object: O;
  try {
    object = noun.find(state, existing);
  } catch (error) {
    if (error instanceof Ec2Error && /NotFound$|^InvalidRoute|^InvalidAssociation/.test(error.code)) return undefined;
    throw error;
  }
  const observed = noun.observe(object, state);
  if (noun.tagged) Object.assign(observed, observeTags((object as { tags: Tags }).tags, existing.inputs, account));
  // Of an object that the program made, only what the program set is compared; of an imported one, everything.
  const imported = Object.keys(existing.inputs).length === 0;
  const wanted = Object.entries(observed).filter(([key]) => imported || key in existing.inputs);
  const inputs = { ...existing.inputs, ...Object.fromEntries(wanted) };
  return { id: existing.id, state: describe(noun, account, { ...existing, inputs }), inputs };
}

/** An object's tags without those that came from the provider's defaults. */
function observeTags(present: Tags, inputs: Properties, account: Account): Properties {
  const own = (inputs.tags ?? {}) as Tags;
  const isDefault = ([key, value]: [string, string]) => account.defaultTags[key] === value && !(key in own);
  return { tags: Object.fromEntries(Object.entries(present).filter((entry) => !isDefault(entry))), tagsAll: present };
}

async function update<O>(noun: Noun<O>, old: Existing<Properties>, inputs: Properties, ctx: Context): Promise<object> {
  const account = accountOf(ctx);
  await told(`updating ${noun.title} (${old.id})`, noun.calls.update ?? "CreateTags", async () => {
    await noun.update?.(old, inputs, account, ctx);
    if (!noun.tagged) return;
    await account.cloud().change((state) => {
      (noun.find(state, { ...old, inputs }) as { tags: Tags }).tags = inputs.tagsAll as Tags;
    });
  });
  return describe(noun, account, { id: old.id, state: kept(noun, old, inputs), inputs });
}

async function remove<O>(noun: Noun<O>, existing: Existing<Properties>, ctx: Context): Promise<void> {
  const account = accountOf(ctx);
  await told(`deleting ${noun.title} (${existing.id})`, noun.calls.delete, () =>
    waitingForDependents(ctx, async () => {
      try {
        noun.find(account.cloud().read(), existing);
      } catch (error) {
        if (isEc2Error(error)) return;
        throw error;
      }
      await noun.delete(existing, account, ctx);
    }),
  );
}

/** Tries again while something still depends on the object: deletes run in parallel, and some that nobody ordered. */
async function waitingForDependents(ctx: Context, work: () => Promise<void>): Promise<void> {
  const limit = ctx.timeoutSeconds > 0 ? Math.max(0, ctx.timeoutSeconds - 1) : deleteLimitSeconds;
  const end = Date.now() + limit * 1000;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isEc2Error(error, "DependencyViolation", "InvalidIPAddress.InUse")) throw error;
      if (Date.now() >= end || ctx.signal.aborted) throw error;
      ctx.log("debug", `${error.code}: ${error.message}; trying again`);
    }
    await delay(250);
  }
}

/** Says what was being done and by which call, as the AWS provider does. */
async function told<T>(doing: string, operation: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isEc2Error(error)) throw new Error(`${doing}: ${(error as Error).message}`, { cause: error });
    const text = `${doing}: operation error EC2: ${operation}, api error ${error.code}: ${error.message}`;
    throw new Error(text, { cause: error });
  }
}

/** The value of an input that is a text; undefined where it is not given. */
export function text(inputs: Properties, key: string): string | undefined {
  const value = inputs[key];
  return typeof value === "string" ? value : undefined;
}

/** A name as Pulumi makes one for a resource without: its own name, a dash and seven random hex digits. */
export function autoName(ctx: Context, olds: Properties | undefined, key: string, random: string): string {
  const before = olds === undefined ? undefined : text(olds, key);
  return before ?? `${ctx.name}-${random.slice(0, 7)}`;
}
