import { buildAll } from "./build/build";
import { extrasTurnedOn, joined, type ExtraName } from "./extras";
import type { Lab } from "./lab";
import { runPhases, type Phase } from "./phases";
import { buildPlugins } from "./plugins/build";
import { refuseUnfitMachine } from "./prerequisites";
import type { Supply } from "./upstream/supply";

/** What the build tells the phases after it. */
export interface Built {
  machineImages: Lab["machineImages"];
  supply: Supply;
}

/** What the build is told: extras to be had beside those that the configuration turns on. */
export interface Wanted {
  extras: readonly ExtraName[];
}

/** Fetches or builds what the cache lacks: tools, packages, images, charts, machine images, Pulumi's plugins. */
export const BUILD: Phase<Built & Wanted> = { title: "Build", run: build };

/**
 * Fills the cache and stops there; `npm start` and the tests then find everything.
 *
 * @throws with the whole list, if the machine lacks something; then nothing was changed.
 */
export async function buildOnly(extras: readonly ExtraName[]): Promise<void> {
  await refuseUnfitMachine([]);
  await runPhases([BUILD], { extras } as Built & Wanted);
}

async function build(context: Built & Wanted, say: (line: string) => void): Promise<string> {
  const { machineImages, supply, built } = await buildAll({
    report: (step, state, detail) => say([step, state, detail].filter(Boolean).join(": ")),
    extras: joined(context.extras, extrasTurnedOn()),
  });
  await buildPlugins();
  context.machineImages = machineImages;
  context.supply = supply;
  return built.length === 0 ? "all of it is in the cache" : `${built.length} steps`;
}
