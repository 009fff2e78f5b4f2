/**
 * The values that cross the plugin interface.
 *
 * A provider sees plain JavaScript: secrets arrive **unwrapped** (the server remembers their paths and marks the same
 * paths in whatever comes back), resource references arrive as the resource's id, outputs as their value.
 * What is not known yet in a preview arrives as `UNKNOWN`. A provider may return `UNKNOWN` (previews only) and
 * `secret(value)` anywhere in a state or a result.
 */

/** Any properties of a resource: input, state or configuration. */
export type Properties = Record<string, unknown>;

/** Stands for a value that only an update will know. There is one, `UNKNOWN`; compare with `===`. */
export class Unknown {
  toString(): string {
    return "(not known before the update)";
  }
}

/** The value of everything that is not known yet. Arrives only while `ctx.preview` is true. */
export const UNKNOWN = new Unknown();

/** A value that the engine has to encrypt and never shows. */
export class Secret {
  constructor(readonly value: unknown) {}
}

/** Marks a value of a state or a result as secret. */
export function secret(value: unknown): Secret {
  return value instanceof Secret ? value : new Secret(value);
}

/** A file or text that a program passed as `pulumi.asset.…`; exactly one of the three is set. */
export class Asset {
  constructor(readonly content: { text?: string; path?: string; uri?: string }) {}
}

/** Whether a value, or anything inside it, is not known yet. */
export function hasUnknown(value: unknown): boolean {
  if (value instanceof Unknown) return true;
  if (value instanceof Secret) return hasUnknown(value.value);
  if (Array.isArray(value)) return value.some(hasUnknown);
  if (isPlainObject(value)) return Object.values(value).some(hasUnknown);
  return false;
}

/** Whether a value is an object of properties (no array, no wrapper, not null). */
export function isPlainObject(value: unknown): value is Properties {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return !(value instanceof Unknown || value instanceof Secret || value instanceof Asset);
}
