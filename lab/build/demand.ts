import type { Part } from "../upstream/part";
import type { Supply } from "../upstream/supply";
import type { ImageRecipe } from "./images";
import { NODE_DEBIAN_PACKAGES } from "./packages";
import type { GoTool } from "./tools";

/** The parts that make a tool superfluous if all of them are upstream's. */
export function replacements(tool: GoTool, supply: Supply): Part[] {
  const parts = supply
    .ownImages()
    .filter((recipe) => usesTool(recipe, tool))
    .map(({ name }) => supply.ownerOf(name));
  if (tool.name === "pulumi") parts.push(supply.pulumi);
  if (tool.name === "helm") parts.push(supply.helm);
  const packaged = NODE_DEBIAN_PACKAGES.some(({ programs }) =>
    Object.values(programs).some((program) => program.tool === tool.name),
  );
  return packaged ? [supply.packages, ...parts] : parts;
}

/** Whether a tool has to be built; not if it is in no image that the lab has. */
export function isWanted(tool: GoTool, supply: Supply): boolean {
  return replacements(tool, supply).some((part) => !supply.upstream(part));
}

function usesTool({ programs }: ImageRecipe, { name }: GoTool): boolean {
  return Object.values(programs).some((program) => "tool" in program && program.tool === name);
}

/** The parts that the programs which stand in for others are superseded by. */
export function standInReplacements(supply: Supply): Part[] {
  return supply
    .ownImages()
    .filter(usesStandIn)
    .map(({ name }) => supply.ownerOf(name));
}

/** Whether any stand-in has to be built. */
export function standInsWanted(supply: Supply): boolean {
  return supply.builtRecipes().some(usesStandIn);
}

function usesStandIn({ programs }: ImageRecipe): boolean {
  return Object.values(programs).some((program) => "standIn" in program);
}
