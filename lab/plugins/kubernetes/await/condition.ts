/** The `pulumi.com/waitFor` annotation: what a program itself says an object has to be before it is ready. */
import { isPlainObject } from "../../server/values";
import { type KubeObject, conditionOf } from "../object";

/** Tells whether an object is as the annotation wants it. */
export type Condition = (object: KubeObject) => boolean;

/**
 * Reads the annotation: `condition=Type[=Status]`, `jsonpath={.path}[=value]`, or a JSON list of these, all of which
 * have to hold. Paths know fields, indexes (`[0]`) and filters (`[?(@.type=="Ready")]`). Throws on anything else.
 */
export function parseWaitFor(text: string): Condition {
  const expressions = text.trim().startsWith("[") ? listOf(text) : [text];
  if (expressions.length === 0) throw new Error("pulumi.com/waitFor: at least one condition must be specified");
  const conditions = expressions.map(parseExpression);
  return (object) => conditions.every((condition) => condition(object));
}

function listOf(text: string): string[] {
  const list: unknown = JSON.parse(text);
  if (!Array.isArray(list)) throw new Error("pulumi.com/waitFor: expected a JSON list of strings");
  return list.map(String);
}

function parseExpression(expression: string): Condition {
  const condition = /^condition=([^=]+)(?:=(.+))?$/.exec(expression);
  if (condition) {
    const [, type = "", status = "True"] = condition;
    return (object) => String(conditionOf(object, type)?.status).toLowerCase() === status.toLowerCase();
  }
  const path = /^jsonpath=['"]?\{(.+)\}['"]?(?:==?(.+))?$/.exec(expression);
  if (!path) {
    throw new Error(
      `pulumi.com/waitFor: expected a "jsonpath=" or "condition=" prefix, got ${JSON.stringify(expression)}`,
    );
  }
  const [, steps = "", value] = path;
  const follow = parsePath(steps);
  return (object) => {
    const found = follow(object);
    if (value === undefined) return found.length > 0;
    return found.length > 0 && found.every((item) => String(item) === value.replace(/^["'](.*)["']$/, "$1"));
  };
}

type Step = (values: unknown[]) => unknown[];

const STEP = /^(?:\.?\[\?\(@\.([\w.-]+)\s*==\s*["']([^"']*)["']\)\]|\.?\[(\d+|\*)\]|\.?\['([^']+)'\]|\.([\w-]+))/;

function parsePath(path: string): (object: unknown) => unknown[] {
  const steps: Step[] = [];
  for (let rest = path; rest !== "";) {
    const match = STEP.exec(rest);
    if (!match) throw new Error(`pulumi.com/waitFor: can't read the path at ${JSON.stringify(rest)}`);
    steps.push(stepOf(match));
    rest = rest.slice(match[0].length);
  }
  return (object) => steps.reduce((values, step) => step(values), [object]);
}

function stepOf([, filter, wanted, index, quoted, field]: RegExpExecArray): Step {
  const items = (values: unknown[]) => values.filter(Array.isArray) as unknown[][];
  if (filter !== undefined) {
    const get = (item: unknown) =>
      filter.split(".").reduce<unknown>((inner, key) => (isPlainObject(inner) ? inner[key] : undefined), item);
    return (values) => items(values).flatMap((list) => list.filter((item) => String(get(item)) === wanted));
  }
  if (index === "*") return (values) => items(values).flat();
  if (index !== undefined)
    return (values) => items(values).flatMap((list) => list.slice(Number(index), Number(index) + 1));
  const key = quoted ?? field ?? "";
  return (values) => values.filter(isPlainObject).flatMap((object) => (key in object ? [object[key]] : []));
}
