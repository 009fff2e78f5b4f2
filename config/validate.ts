import type { z } from "zod";
import type { Violation } from "./error";
import type { KeyDocumentation } from "./key";

/** Keys with their schemas, in the order in which faults are reported. */
export type Shape = Record<string, z.ZodType>;

/** What came of checking a configuration: the values that are in order, and everything that is not. */
export interface Checked {
  values: Record<string, unknown>;
  violations: Violation[];
}

/** Configuration as Pulumi hands it out: every value a text, structured ones as JSON. */
export interface RawConfig {
  stack: string;
  values: Record<string, string>;
  /** Keys whose values must not be shown. */
  secretKeys: ReadonlySet<string>;
}

/** Number of single-letter edits between two words. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The candidate most like a word, if one is like it at all. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates
    .map((candidate) => ({ candidate, edits: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits);
  const best = ranked[0];
  return best && best.edits <= Math.max(2, word.length / 3) ? best.candidate : undefined;
}

function innermost(schema: z.ZodType): z.ZodType {
  let inner = schema;
  while ("innerType" in inner.def) inner = inner.def.innerType as z.ZodType;
  return inner;
}

/** Texts stay as they are (1.30 is a version, no number); everything else is JSON. */
function read(schema: z.ZodType, raw: string): unknown {
  if (["string", "enum", "literal"].includes(innermost(schema).def.type)) return raw;
  try {
    return JSON.parse(raw) as unknown;
  } catch {
    return raw;
  }
}

const documentation = (schema: z.ZodType): KeyDocumentation => schema.meta() as unknown as KeyDocumentation;

function pathText(path: readonly PropertyKey[]): string {
  return path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`)).join("");
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((part, name) => (part as Record<PropertyKey, unknown> | undefined)?.[name], value);
}

function shown(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "nothing");
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

/** The command that sets a key, for this stack; of a list, the entry of that number. */
export function setCommand(stack: string, schema: z.ZodType, entry: PropertyKey = 0): string {
  const { example } = documentation(schema);
  return `pulumi config set --stack ${stack} ${typeof entry === "number" ? example.replace("[0]", `[${entry}]`) : example}`;
}

function describe(raw: RawConfig, name: string, value: unknown, issue: z.core.$ZodIssue, schema: z.ZodType): Violation {
  const unknown = issue.code === "unrecognized_keys" ? issue.keys : [];
  const path = [...issue.path, ...unknown.slice(0, 1)];
  const found = at(value, path);
  const visible = raw.secretKeys.has(name) ? "[secret]" : shown(found);
  return {
    key: `daybreak:${name}${pathText(path)}`,
    ...(found === undefined ? {} : { value: visible }),
    reason: unknown.length > 0 ? `there is no setting ${unknown.join(", ")} here` : reason(issue, found),
    allowed: documentation(schema).allowed,
    command: setCommand(raw.stack, schema, path[0]),
  };
}

function reason(issue: z.core.$ZodIssue, found: unknown): string {
  return found === undefined && issue.code === "invalid_type" ? "it is required" : issue.message;
}

function unknownKey(raw: RawConfig, name: string, shape: Shape, elsewhere: readonly string[]): Violation {
  const known = Object.keys(shape);
  const like = nearest(name, known);
  const other = elsewhere.includes(name) ? "it belongs to the stack of the other layer" : "there is no such key";
  return {
    key: `daybreak:${name}`,
    value: raw.secretKeys.has(name) ? "[secret]" : shown(raw.values[name]),
    reason: like && like !== name ? `${other}; did you mean daybreak:${like}?` : other,
    allowed: `the keys ${known.join(", ")}`,
    command: `pulumi config rm --stack ${raw.stack} daybreak:${name}`,
  };
}

/**
 * Checks every key by itself, so that one fault hides no other; unknown keys come last.
 * @param elsewhere keys of the other layer, to say so when one is met here
 */
export function check(raw: RawConfig, shape: Shape, elsewhere: readonly string[]): Checked {
  const checked: Checked = { values: {}, violations: [] };
  for (const [name, schema] of Object.entries(shape)) {
    const text = raw.values[name];
    const value = text === undefined ? undefined : read(schema, text);
    const result = schema.safeParse(value);
    if (result.success) checked.values[name] = result.data;
    else checked.violations.push(...result.error.issues.map((issue) => describe(raw, name, value, issue, schema)));
  }
  const unknown = Object.keys(raw.values).filter((name) => !(name in shape));
  checked.violations.push(...unknown.map((name) => unknownKey(raw, name, shape, elsewhere)));
  return checked;
}
