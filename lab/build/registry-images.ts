import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { hashOf, inCache, makeDirectory } from "../cache";
import { baseLayer, baseLayerKey } from "./base-layer";
import { toolBinary } from "./go-build";
import { IMAGES, type ImageRecipe, type ProgramSource } from "./images";
import { addedLayer, programLayer } from "./layers";
import { describeImage } from "./oci";
import { RegistryStorage, type LayerFile } from "./registry";
import type { StepLog } from "./run";
import { standInImages, standInRecipe, standInsDirectory } from "./stand-ins";
import { GO_TOOLS } from "./tools";

/** The folder that docker-registry serves. */
export function registryDirectory(): string {
  return inCache("mirror", "registry");
}

/** Every image of the mirror. */
export function allImages(): ImageRecipe[] {
  return [...IMAGES, ...standInImages().map(standInRecipe)];
}

/** What the registry is made of; it is rebuilt when this changes. */
export function registryKey(rootfs: string): string {
  return hashOf(allImages(), allImages().map(programFiles), baseLayerKey(rootfs));
}

/** The key that the registry in the cache was built with. */
export function builtRegistryKey(): string | undefined {
  const file = join(registryDirectory(), ".key");
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

/** Puts every image into the registry's storage. Layers made earlier are used again. */
export async function buildRegistry(rootfs: string, log: StepLog): Promise<void> {
  const key = registryKey(rootfs);
  const base = await baseLayer(rootfs, log);
  await makeDirectory(registryDirectory(), async (directory) => {
    const storage = new RegistryStorage(directory);
    for (const recipe of allImages()) {
      const layers = await imageLayers(recipe, base, log);
      storage.add(
        recipe.name,
        describeImage(
          recipe,
          layers.map(({ descriptor }) => descriptor),
        ),
        layers,
      );
    }
    writeFileSync(join(directory, ".key"), key);
  });
}

async function imageLayers(recipe: ImageRecipe, base: LayerFile, log: StepLog): Promise<LayerFile[]> {
  const layer = { programs: programFiles(recipe), ...(recipe.folders ? { folders: recipe.folders } : {}) };
  if (recipe.base === "scratch") return [await programLayer(layer, log)];
  return Object.keys(layer.programs).length === 0 ? [base] : [base, await addedLayer(layer, log)];
}

function programFiles(recipe: ImageRecipe): Record<string, string> {
  return Object.fromEntries(Object.entries(recipe.programs).map(([path, source]) => [path, programFile(source)]));
}

/** The file in the cache that a recipe's program is. */
function programFile(source: ProgramSource): string {
  if ("standIn" in source) return join(standInsDirectory(), source.standIn);
  const tool = GO_TOOLS.find(({ name }) => name === source.tool);
  if (!tool) throw new Error(`no tool ${source.tool} is built that an image could hold`);
  return toolBinary(tool, source.binary);
}
