import { buildAll } from "./build/build";
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

/** Fetches or builds what the cache lacks: tools, packages, images, charts, machine images, Pulumi's plugins. */
export const BUILD: Phase<Built> = { title: "Build", run: build };

/**
 * Fills the cache and stops there; `npm start` and the tests then find everything.
 *
 * @throws with the whole list, if the machine lacks something; then nothing was changed.
 */
export async function buildOnly(): Promise<void> {
  await refuseUnfitMachine([]);
  await runPhases([BUILD], {} as Built);
}

async function build(context: Built, say: (line: string) => void): Promise<string> {
  const { machineImages, supply, built } = await buildAll({
    report: (step, state, detail) => say([step, state, detail].filter(Boolean).join(": ")),
  });
  await buildPlugins();
  context.machineImages = machineImages;
  context.supply = supply;
  return built.length === 0 ? "all of it is in the cache" : `${built.length} steps`;
}
