import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { hashOf, inCache, makeDirectory } from "../cache";
import type { Supply } from "../upstream/supply";
import { baseLayer, baseLayerKey } from "./base-layer";
import { toolBinary } from "./go-build";
import type { ImageRecipe, ProgramSource } from "./images";
import { addedLayer, programLayer } from "./layers";
import { describeImage, digestOf } from "./oci";
import { RegistryStorage, type LayerFile } from "./registry";
import type { StepLog } from "./run";
import { standInsDirectory } from "./stand-ins";
import { GO_TOOLS } from "./tools";

/** The folder that docker-registry serves. */
export function registryDirectory(): string {
  return inCache("mirror", "registry");
}

/** The names of every image of the mirror. */
export function imageNames(supply: Supply): string[] {
  return [...supply.builtRecipes(), ...supply.copiedImages()].map(({ name }) => name);
}

/** What the images of the registry are made of, in one figure: what is made of them goes by it. */
export function registryKey(rootfs: string, supply: Supply): string {
  const recipes = supply.builtRecipes();
  const copied = supply.copiedImages().map(({ name, image }) => [name, digestOf(image.manifest)]);
  return hashOf(recipes, recipes.map(programFiles), baseLayerKey(rootfs), ...(copied.length > 0 ? [copied] : []));
}

/** What each image of the registry is made of, by its name. */
export function imageKeys(rootfs: string, supply: Supply): Record<string, string> {
  const base = baseLayerKey(rootfs);
  const built = supply.builtRecipes().map((recipe) => [recipe.name, hashOf(recipe, programFiles(recipe), base)]);
  const copied = supply.copiedImages().map(({ name, image }) => [name, digestOf(image.manifest)]);
  return Object.fromEntries([...built, ...copied]) as Record<string, string>;
}

/** Where the registry in the cache says what its images were made of. */
const keysFile = (directory: string): string => join(directory, "images.json");

/** Whether the registry in the cache has every image that is wanted. Extras beside them do no harm. */
export function registryHasImages(rootfs: string, supply: Supply): boolean {
  const file = keysFile(registryDirectory());
  if (!existsSync(file)) return false;
  const built = JSON.parse(readFileSync(file, "utf8")) as Record<string, string>;
  return Object.entries(imageKeys(rootfs, supply)).every(([name, key]) => built[name] === key);
}

/** Puts every image into the registry's storage. Layers made earlier are used again. */
export async function buildRegistry(rootfs: string, supply: Supply, log: StepLog): Promise<void> {
  const keys = imageKeys(rootfs, supply);
  await makeDirectory(registryDirectory(), async (directory) => {
    const storage = new RegistryStorage(directory);
    await addBuilt(storage, supply.builtRecipes(), rootfs, log);
    for (const { name, image } of supply.copiedImages()) storage.add(name, image, image.layers);
    writeFileSync(keysFile(directory), JSON.stringify(keys));
  });
}

async function addBuilt(storage: RegistryStorage, recipes: ImageRecipe[], rootfs: string, log: StepLog): Promise<void> {
  if (recipes.length === 0) return;
  const base = await baseLayer(rootfs, log);
  for (const recipe of recipes) {
    const layers = await imageLayers(recipe, base, log);
    const descriptors = layers.map(({ descriptor }) => descriptor);
    storage.add(recipe.name, describeImage(recipe, descriptors), layers);
  }
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
