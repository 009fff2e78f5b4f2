import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, renameSync, rmSync } from "node:fs";
import { basename } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { RequestInit, Response } from "undici";

import { upstreamUrl } from "./settings";

/** How long a server may say nothing before a download counts as failed, in milliseconds. */
const SILENCE_MS = 30_000;

/** How often an interrupted download goes on where it stopped. */
const RETRIES = 2;

/** Algorithms of the checksums that upstream publishes, by their length in hexadecimal digits. */
const ALGORITHMS: Readonly<Record<number, string>> = { 40: "sha1", 64: "sha256", 128: "sha512" };

/**
 * Asks an address once whether it answers.
 *
 * @param address as it is, without replacement.
 * @throws with a short reason, if nothing answers in time or the answer is an error. A registry's "401 Unauthorized" is
 * an answer: it asks everybody for a token.
 */
export async function probe(address: string, signal: AbortSignal): Promise<void> {
  const response = await get(address, 0, { signal, method: "HEAD" });
  if (!response.ok && response.status !== 401) throw new Error(`${address} answers ${response.status}`);
}

/** A text of upstream's. */
export async function fetchText(url: string): Promise<string> {
  return (await getWhole(url)).text();
}

/**
 * Downloads a file and keeps it only if it has the published checksum.
 *
 * @param checksum SHA-1, SHA-256 or SHA-512 in hexadecimal.
 * @throws if it cannot be had, or is not what was published.
 */
export async function download(url: string, file: string, checksum: string): Promise<void> {
  const { body } = await getWhole(url);
  const unfinished = `${file}.part`;
  try {
    await pipeline(body ? Readable.fromWeb(body) : Readable.from([]), createWriteStream(unfinished));
    await verify(unfinished, checksum, url);
    renameSync(unfinished, file);
  } finally {
    rmSync(unfinished, { force: true });
  }
}

async function verify(file: string, checksum: string, url: string): Promise<void> {
  const algorithm = ALGORITHMS[checksum.length];
  if (algorithm === undefined)
    throw new Error(`"${checksum}" is no checksum that ${basename(url)} could be held against`);
  const hash = createHash(algorithm);
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  const found = hash.digest("hex");
  if (found !== checksum.toLowerCase())
    throw new Error(`${basename(url)} has the ${algorithm} checksum ${found}, published is ${checksum}`);
}

/**
 * The checksum of a file in a list as `sha256sum` and `shasum` write them.
 *
 * @throws if the list does not have it.
 */
export function checksumIn(list: string, file: string): string {
  const rows = list.split("\n").map((line) => line.trim().split(/\s+\*?/));
  const found = rows.find(
    ([checksum = "", name = ""]) => /^[0-9a-f]{40,128}$/i.test(checksum) && basename(name) === file,
  );
  if (found?.[0] === undefined) throw new Error(`the published checksums do not name ${file}`);
  return found[0];
}

async function getWhole(url: string): Promise<Response> {
  const address = upstreamUrl(url);
  const response = await get(address, RETRIES);
  if (!response.ok) throw new Error(`${address} answers ${response.status}`);
  return response;
}

/** Connections go by the proxy that `HTTPS_PROXY` and `NO_PROXY` name, if they do; a build that asks nobody loads nothing. */
async function get(address: string, retries: number, options: RequestInit = {}): Promise<Response> {
  const { EnvHttpProxyAgent, RetryAgent, fetch } = await import("undici");
  const agent = new EnvHttpProxyAgent({ headersTimeout: SILENCE_MS, bodyTimeout: SILENCE_MS });
  const dispatcher = retries > 0 ? new RetryAgent(agent, { maxRetries: retries, minTimeout: 300 }) : agent;
  try {
    return await fetch(address, { ...options, dispatcher });
  } catch (error) {
    throw new Error(`${new URL(address).host} ${whyNot(error)}`, { cause: error });
  }
}

function whyNot(error: unknown): string {
  const { name, cause, message } = error as Error & { cause?: { code?: string; message?: string } };
  if (name === "TimeoutError" || name === "AbortError") return "does not answer in time";
  if (cause?.code === "ENOTFOUND" || cause?.code === "EAI_AGAIN") return "is not known here";
  return `cannot be reached (${cause?.code ?? cause?.message ?? message})`;
}
