/** RandomBytes (secret) and RandomId (public): random bytes in several notations. */
import { randomBytes } from "node:crypto";
import type { ResourceType } from "../server/provider";
import { keepers } from "./string";

interface BytesInputs {
  length: number;
  keepers?: Record<string, string>;
}

/** `random.RandomBytes`: `length` bytes as base64 and hex, both secret. */
export const randomBytesType: ResourceType<BytesInputs> = {
  inputs: { length: { type: "integer", min: 1, required: true, replace: true }, keepers },
  outputs: ["base64", "hex"],
  secretOutputs: ["base64", "hex"],
  async create(news) {
    const bytes = randomBytes(news.length);
    // The id is shown: it can't be the bytes.
    return { id: "none", state: { ...news, base64: bytes.toString("base64"), hex: bytes.toString("hex") } };
  },
};

interface IdInputs {
  byteLength: number;
  prefix?: string;
  keepers?: Record<string, string>;
}

/** `random.RandomId`: `byteLength` bytes; each notation begins with `prefix`, the id doesn't. */
export const randomIdType: ResourceType<IdInputs> = {
  inputs: {
    byteLength: { type: "integer", min: 1, required: true, replace: true },
    prefix: { type: "string", replace: true },
    keepers,
  },
  outputs: ["b64Std", "b64Url", "dec", "hex"],
  async create(news) {
    const bytes = randomBytes(news.byteLength);
    const prefix = news.prefix ?? "";
    const state = {
      ...news,
      b64Std: prefix + bytes.toString("base64"),
      b64Url: prefix + bytes.toString("base64url"),
      dec: prefix + BigInt(`0x${bytes.toString("hex")}`).toString(),
      hex: prefix + bytes.toString("hex"),
    };
    return { id: bytes.toString("base64url"), state };
  },
};
