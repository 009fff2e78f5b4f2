/** What somebody else changed in an object, seen through the fields that the program sets. */
import type { Properties } from "../server/provider";
import { same } from "../server/schema";
import { isPlainObject } from "../server/values";
import { type KubeObject, without } from "./object";

/**
 * The inputs as they would have to be to make the object that is there. `expected` is the object as the inputs make it
 * (a dry run), `live` the one that is there: fields where both agree keep the program's own spelling ("0.5" stays
 * although the server writes "500m"), fields where they differ get the live value or go.
 */
export function liveInputs(inputs: Properties, expected: KubeObject, live: KubeObject): Properties {
  const result = overlay(inputs, expected, live) as Properties;
  return inputs.kind === "Secret" ? withStringData(result, inputs, expected, live) : result;
}

function overlay(input: unknown, expected: unknown, live: unknown): unknown {
  if (same(expected, live)) return input;
  if (isPlainObject(input) && isPlainObject(expected) && isPlainObject(live)) {
    const kept = Object.entries(input).filter(([key]) => key in live || !(key in expected));
    return Object.fromEntries(kept.map(([key, value]) => [key, overlay(value, expected[key], live[key])]));
  }
  if (Array.isArray(input) && Array.isArray(expected) && Array.isArray(live)) {
    const fits = input.length === expected.length && expected.length === live.length;
    if (fits) return input.map((item, index) => overlay(item, expected[index], live[index]));
  }
  return live;
}

/** A Secret's `stringData` comes back as `data`: compare it there. */
function withStringData(result: Properties, inputs: Properties, expected: KubeObject, live: KubeObject): Properties {
  if (!isPlainObject(inputs.stringData)) return result;
  const [wanted, there] = [data(expected), data(live)];
  const entries = Object.entries(inputs.stringData).flatMap(([key, value]) => {
    if (wanted[key] === there[key]) return [[key, value]];
    const found = there[key];
    return typeof found === "string" ? [[key, Buffer.from(found, "base64").toString("utf8")]] : [];
  });
  return { ...result, stringData: Object.fromEntries(entries) as Properties };
}

function data(object: KubeObject): Properties {
  return isPlainObject(object.data) ? object.data : {};
}

/** Fields of a live object that no program sets; what is left serves as the inputs of an imported object. */
const SERVER_METADATA = ["creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"];

/** Inputs for an object that is taken over by `pulumi import` or read by `get`. */
export function importedInputs(live: KubeObject): Properties {
  return { ...without(live, "status"), metadata: without(live.metadata, ...SERVER_METADATA) };
}
