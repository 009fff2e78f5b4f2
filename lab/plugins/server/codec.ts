/** Translates properties between the engine's protocol and the plain values of values.ts. */
import { Struct, type JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb";
import { type Properties, Asset, Secret, UNKNOWN, Unknown, isPlainObject } from "./values";

// Fixed by the engine's protocol (pulumi/pulumi, sdk/go/common/resource/sig and resource/plugin/rpc.go).
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const ASSET = "c44067f5952c0a294b673a41bacd8c17";
const RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e";
const OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4";
const UNKNOWN_VALUES = new Set([
  "04da6b54-80e4-46f7-96ec-b56ff0331ba9", // string
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7", // bool
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421", // number
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2", // array
  "030794c1-ac77-496b-92df-f27374a8bd58", // asset
  "e48ece36-62e2-4504-bad9-02848725956a", // archive
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff", // object
]);
const UNKNOWN_STRING = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Where a secret is: keys and array indexes from the top. */
export type Path = readonly (string | number)[];

/** Properties without their secret wrappers, and where these were. */
export interface Decoded {
  values: Properties;
  secrets: Path[];
}

/** Decodes what the engine sent; nothing sent gives no properties. */
export function decode(struct: Struct | undefined): Decoded {
  const secrets: Path[] = [];
  const values = struct ? (decodeValue(struct.toJavaScript(), [], secrets) as Properties) : {};
  return { values, secrets };
}

function decodeValue(value: unknown, path: Path, secrets: Path[]): unknown {
  if (typeof value === "string") return UNKNOWN_VALUES.has(value) ? UNKNOWN : value;
  if (Array.isArray(value)) return value.map((item, index) => decodeValue(item, [...path, index], secrets));
  if (!isPlainObject(value)) return value;
  if (SIGNATURE in value) return decodeSpecial(value, path, secrets);
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, decodeValue(item, [...path, key], secrets)]),
  );
}

function decodeSpecial(value: Properties, path: Path, secrets: Path[]): unknown {
  const kind = value[SIGNATURE];
  switch (kind) {
    case SECRET:
      secrets.push(path);
      return decodeValue(value["value"], path, secrets);
    case OUTPUT:
      if (value["secret"] === true) secrets.push(path);
      return "value" in value ? decodeValue(value["value"], path, secrets) : UNKNOWN;
    case RESOURCE:
      return decodeValue(value["id"] ?? value["urn"], path, secrets);
    case ASSET: {
      const { text, path: file, uri } = value as { text?: string; path?: string; uri?: string };
      return new Asset({ text, path: file, uri });
    }
    default:
      throw new Error(`a value of kind ${String(kind)} at ${path.join(".")} is not supported by the lab's plugins`);
  }
}

/** Encodes properties, which may hold `Secret` and `UNKNOWN`. What is undefined is left out. */
export function encode(values: object): Struct {
  return Struct.fromJavaScript(encodeValue(values) as Record<string, JavaScriptValue>);
}

function encodeValue(value: unknown): JavaScriptValue {
  if (value instanceof Unknown) return UNKNOWN_STRING;
  if (value instanceof Secret) return { [SIGNATURE]: SECRET, value: encodeValue(value.value) };
  if (value instanceof Asset) return { [SIGNATURE]: ASSET, ...(encodeValue(value.content) as object) };
  if (Array.isArray(value)) return value.map((item) => encodeValue(item ?? null));
  if (value instanceof Date) return value.toISOString();
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    return Object.fromEntries(entries.map(([key, item]) => [key, encodeValue(item)]));
  }
  if (value === null || ["string", "boolean", "number"].includes(typeof value)) return value as JavaScriptValue;
  throw new Error(`a ${typeof value} can't be a property`);
}

/**
 * Marks the values at `paths` as secret. Where a path leads no further (the value changed its shape), the deepest
 * value there is becomes secret, so that nothing leaks; where even its first key is absent, nothing is marked.
 */
export function markSecrets(values: object, paths: readonly Path[]): Properties {
  return paths.reduce<Properties>((result, path) => {
    const [first] = path;
    if (first === undefined || !(first in result) || result[first] === undefined) return result;
    return markPath(result, path) as Properties;
  }, values as Properties);
}

function markPath(value: unknown, path: Path): unknown {
  const [key, ...rest] = path;
  if (value instanceof Secret || value instanceof Unknown) return value;
  if (key === undefined) return new Secret(stripSecrets(value));
  if (Array.isArray(value) && typeof key === "number" && key < value.length) {
    return value.map((item: unknown, index) => (index === key ? markPath(item, rest) : item));
  }
  if (isPlainObject(value) && key in value) return { ...value, [key]: markPath(value[key], rest) };
  return new Secret(stripSecrets(value));
}

/** The value without secret wrappers; a secret inside a secret adds nothing. */
function stripSecrets(value: unknown): unknown {
  if (value instanceof Secret) return stripSecrets(value.value);
  if (Array.isArray(value)) return value.map(stripSecrets);
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, stripSecrets(item)]));
}
