import { existsSync } from "node:fs";
import { join } from "node:path";

import { inCache, makeDirectory } from "../cache";
import type { StepLog } from "../build/run";

/** Something that is upstream's as a whole, or built and stood in for as a whole: never half of each. */
export interface Part {
  /** What it is called in the progress and the summary. */
  readonly name: string;
  /** Addresses, with replacements made, that must answer before any of it is fetched. */
  readonly sites: readonly string[];
  /** What must be there to fetch it with: names of steps of the build. */
  readonly needs: readonly string[];
  /** Where it lies once it is fetched; the name changes with what is fetched. */
  readonly directory: string;
  /** Programs of it that also run on this machine, as files in the directory's `bin`. */
  readonly programs: readonly string[];
  /** Why this machine cannot use it, if it cannot. */
  readonly unfit: () => string | undefined;
  /** Whether the cache holds all of it. */
  readonly have: () => boolean;
  /** Fetches it into the cache, whole or not at all. */
  readonly fetch: (log: StepLog) => Promise<void>;
}

/** What a part says about itself; the rest follows. */
export interface PartSettings {
  name: string;
  sites: readonly string[];
  needs?: readonly string[];
  /** The directory's name in the cache: what it is, and its version. */
  key: string;
  programs?: readonly string[];
  unfit?: () => string | undefined;
  /** What beside the directory must be there. */
  complete?: () => boolean;
  /** Fetches and verifies what belongs into the directory. */
  fill: (directory: string, log: StepLog) => Promise<void>;
}

/** Folder of the cache that holds what was downloaded. */
export const DOWNLOADS = "upstream";

/** Makes a part of what it says about itself. */
export function part(settings: PartSettings): Part {
  const { name, sites, needs = [], key, programs = [], unfit = () => undefined, complete, fill } = settings;
  const directory = inCache(DOWNLOADS, key);
  return {
    name,
    sites,
    needs: ["host-packages", ...needs],
    directory,
    programs,
    unfit,
    have: () => existsSync(directory) && (complete?.() ?? true),
    fetch: (log) => makeDirectory(directory, (unfinished) => fill(unfinished, log)),
  };
}

/** A program of a part. */
export function programOf({ directory }: Part, name: string): string {
  return join(directory, "bin", name);
}
