/** Checks inputs against a description of the properties that exist, and compares two sets of inputs. */
import type { Checked, Failure } from "./provider";
import { type Properties, Asset, Unknown, isPlainObject } from "./values";

/** One property: its type, limits, default, and what a change of it means. */
export interface PropertySchema {
  /** `map` = an object with any keys whose values are `items`; `any` is not looked into. */
  type: "string" | "number" | "integer" | "boolean" | "array" | "object" | "map" | "any";
  /** Type of an array's elements or a map's values. */
  items?: PropertySchema;
  /** Properties of an `object`; others are refused. */
  properties?: Record<string, PropertySchema>;
  required?: boolean;
  /** Filled where the program gives nothing. */
  default?: unknown;
  /** The values that are allowed. */
  oneOf?: readonly (string | number)[];
  /** Least and greatest number, or length of a string or array. */
  min?: number;
  max?: number;
  /** What a string has to look like. */
  pattern?: RegExp;
  /** Top-level properties only: secret in the inputs and the state, whether the program says so or not. */
  secret?: boolean;
  /** A change needs a new resource. Default false: it is an update. */
  replace?: boolean;
}

/**
 * Checks `values` against `schema`: unknown and missing properties, types and limits, all failures at once.
 * The values that come back have defaults filled and nulls left out; a value not known yet passes every check.
 */
export function checkProperties(schema: Record<string, PropertySchema>, values: Properties): Checked {
  const failures: Failure[] = [];
  const inputs = checkObject(schema, values, "", failures);
  return { inputs, failures };
}

function checkObject(
  schema: Record<string, PropertySchema>,
  values: Properties,
  path: string,
  failures: Failure[],
): Properties {
  const result: Properties = {};
  for (const [key, value] of Object.entries(values)) {
    const property = Object.hasOwn(schema, key) ? schema[key] : undefined;
    if (property === undefined) {
      const known = Object.keys(schema).sort().join(", ");
      failures.push({ property: join(path, key), reason: `no such property here; there are: ${known || "none"}` });
    } else if (value !== null && value !== undefined) {
      result[key] = checkValue(property, value, join(path, key), failures);
    }
  }
  for (const [key, property] of Object.entries(schema)) {
    if (key in result) continue;
    if (property.default !== undefined) result[key] = property.default;
    else if (property.required) failures.push({ property: join(path, key), reason: "is required" });
  }
  return result;
}

function checkValue(schema: PropertySchema, value: unknown, path: string, failures: Failure[]): unknown {
  if (value instanceof Unknown || schema.type === "any") return value;
  const reason = wrongType(schema, value) ?? outOfLimits(schema, value);
  if (reason !== undefined) {
    failures.push({ property: path, reason });
    return value;
  }
  if (Array.isArray(value) && schema.items) {
    const items = schema.items;
    return value.map((item, index) => checkValue(items, item, `${path}[${index}]`, failures));
  }
  if (isPlainObject(value) && schema.type === "object") {
    return checkObject(schema.properties ?? {}, value, path, failures);
  }
  if (isPlainObject(value) && schema.items) {
    const items = schema.items;
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, item]) => item !== null)
        .map(([key, item]) => [key, checkValue(items, item, join(path, key), failures)]),
    );
  }
  return value;
}

function wrongType(schema: PropertySchema, value: unknown): string | undefined {
  const fits = {
    string: typeof value === "string" || value instanceof Asset,
    number: typeof value === "number",
    integer: Number.isInteger(value),
    boolean: typeof value === "boolean",
    array: Array.isArray(value),
    object: isPlainObject(value),
    map: isPlainObject(value),
    any: true,
  }[schema.type];
  if (fits) return undefined;
  return `has to be ${/^[aio]/.test(schema.type) ? "an" : "a"} ${schema.type}, not ${describe(value)}`;
}

function outOfLimits(schema: PropertySchema, value: unknown): string | undefined {
  if (schema.oneOf && !schema.oneOf.includes(value as string)) {
    return `has to be one of ${schema.oneOf.join(", ")}, not ${describe(value)}`;
  }
  if (schema.pattern && typeof value === "string" && !schema.pattern.test(value)) {
    return `has to match ${schema.pattern.source}`;
  }
  const size = typeof value === "string" || Array.isArray(value) ? value.length : value;
  if (typeof size !== "number") return undefined;
  const what = typeof value === "number" ? "" : "a length of ";
  if (schema.min !== undefined && size < schema.min) return `has to be ${what}at least ${schema.min}, not ${size}`;
  if (schema.max !== undefined && size > schema.max) return `has to be ${what}at most ${schema.max}, not ${size}`;
  return undefined;
}

/** Type of a value for a message; never the text of a string that may be secret. */
function describe(value: unknown): string {
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : typeof value === "string" ? "this string" : `an ${typeof value}`;
}

function join(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

/** Top-level properties that differ between two sets of inputs; one not known yet counts as different. */
export function changedProperties(olds: Properties, news: Properties): string[] {
  const keys = new Set([...Object.keys(olds), ...Object.keys(news)]);
  return [...keys].filter((key) => !same(olds[key], news[key])).sort();
}

/** Deep equality of plain values; absent and null are the same, UNKNOWN equals nothing. */
export function same(a: unknown, b: unknown): boolean {
  if (a instanceof Unknown || b instanceof Unknown) return false;
  if (a === b || (a ?? undefined) === (b ?? undefined)) return true;
  if (a instanceof Asset && b instanceof Asset) return same(a.content, b.content);
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => same(item, b[index]));
  }
  if (isPlainObject(a) && isPlainObject(b)) return changedProperties(a, b).length === 0;
  return false;
}
