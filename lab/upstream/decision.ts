import { readFileSync, renameSync, writeFileSync } from "node:fs";

import { hashOf, inCache } from "../cache";
import type { ExtraName } from "../extras";
import { probe } from "./download";
import type { Part } from "./part";
import { upstreamMode, upstreamReplacements } from "./settings";
import { Supply, type Refusals } from "./supply";

/** How long all sites together may take to answer, in milliseconds. */
const ANSWER_MS = 3000;

/** Some of upstream's sites do not answer, and `DAYBREAK_UPSTREAM` says that they must. */
export class UpstreamUnreachable extends Error {
  constructor(refusals: Refusals) {
    const rows = Object.entries(refusals).map(([part, reason]) => `  ✘ ${part}: ${reason}`);
    super(["DAYBREAK_UPSTREAM is always, but not all of upstream can be reached:", ...rows].join("\n"));
    this.name = "UpstreamUnreachable";
  }
}

/**
 * Decides for each part whether it comes from upstream. What the cache holds is taken from there; for the rest all sites
 * are asked at once.
 *
 * @param extras those that the lab has.
 * @param answerMs how long they have to answer, all together, in milliseconds; 3 s.
 * @throws UpstreamUnreachable in the mode `always`, if a part cannot be reached.
 */
export async function decide(extras: readonly ExtraName[] = [], answerMs = ANSWER_MS): Promise<Supply> {
  const mode = upstreamMode();
  if (mode === "never") return Supply.ownOnly("DAYBREAK_UPSTREAM is never", extras);
  const supply = new Supply({}, extras);
  const missing = supply.parts().filter((part) => part.unfit() === undefined && !part.have());
  const silent = await silentSites(new Set(missing.flatMap(({ sites }) => sites)), answerMs);
  for (const part of missing) {
    const reason = part.sites.map((site) => silent.get(site)).find((why) => why !== undefined);
    if (reason !== undefined) supply.refuse(part, reason);
  }
  if (mode === "always" && Object.keys(supply.reasons()).length > 0) throw new UpstreamUnreachable(supply.reasons());
  for (const part of supply.parts()) {
    const reason = part.unfit();
    if (reason !== undefined) supply.refuse(part, reason);
  }
  return supply;
}

/** The sites that do not answer, with the reason. */
async function silentSites(sites: ReadonlySet<string>, answerMs: number): Promise<Map<string, string>> {
  const signal = AbortSignal.timeout(answerMs);
  const asked = [...sites].map(async (site): Promise<[string, string][]> => {
    try {
      await probe(site, signal);
      return [];
    } catch (error) {
      return [[site, (error as Error).message]];
    }
  });
  return new Map((await Promise.all(asked)).flat());
}

interface Remembered {
  key: string;
  refusals: Refusals;
}

/** What the decision depends on beside the sites' answers. */
function decisionKey(parts: readonly Part[]): string {
  return hashOf(
    upstreamReplacements(),
    parts.map(({ directory }) => directory),
  );
}

/** Labs with extras ask more sites: what they were answered does not replace what the others go by. */
function decisionFile(extras: readonly ExtraName[]): string {
  return inCache(extras.length === 0 ? "upstream.json" : "upstream-extras.json");
}

/**
 * What the last build decided, so that one with everything in the cache asks nobody.
 *
 * @param extras those that the lab has.
 * @returns undefined if it decided on something else, or `always` is wanted and it was less.
 */
export function rememberedSupply(extras: readonly ExtraName[] = []): Supply | undefined {
  const mode = upstreamMode();
  if (mode === "never") return Supply.ownOnly("DAYBREAK_UPSTREAM is never", extras);
  try {
    const { key, refusals } = JSON.parse(readFileSync(decisionFile(extras), "utf8")) as Remembered;
    const supply = new Supply(refusals, extras);
    const refused = supply.parts().some((part) => refusals[part.name] !== undefined && part.unfit() === undefined);
    return key !== decisionKey(supply.parts()) || (mode === "always" && refused) ? undefined : supply;
  } catch {
    return undefined;
  }
}

/** Keeps a decision for the next build. */
export function remember(supply: Supply): void {
  if (upstreamMode() === "never") return;
  const content: Remembered = { key: decisionKey(supply.parts()), refusals: supply.reasons() };
  const file = decisionFile(supply.extras);
  const fresh = `${file}.${process.pid}`;
  writeFileSync(fresh, JSON.stringify(content));
  renameSync(fresh, file);
}
