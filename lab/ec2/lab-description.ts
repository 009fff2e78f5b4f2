import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What EC2 needs of a lab's `lab.json`. */
export interface LabDescription {
  name: string;
  /** The lab's directory. */
  dir: string;
  cacheDir: string;
  machineImages: { base: string; baked: string };
}

/** The program of a VPC's name server, in the cache's `bin`. */
export const NAME_SERVER = "daybreak-name-server";

/** Reads the description of the lab in that directory, as `lab/lab.ts` wrote it. */
export function readLabDescription(dir: string): LabDescription {
  const file = join(dir, "lab.json");
  if (!existsSync(file)) throw new Error(`there is no lab in ${dir} (no lab.json): npm run lab -- start --empty`);
  return { ...(JSON.parse(readFileSync(file, "utf8")) as LabDescription), dir };
}

/** Where the machine image of that id lies. */
export function imageDir(lab: LabDescription, imageId: string): string {
  return join(lab.cacheDir, "machine-images", imageId);
}

/** Ids of the machine images that a launch may name: those of the lab and all others in the cache. */
export function imageIds(lab: LabDescription): string[] {
  const folder = join(lab.cacheDir, "machine-images");
  const cached = existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith("ami-")) : [];
  return [...new Set([lab.machineImages.base, lab.machineImages.baked, ...cached])].filter((id) => id !== "");
}

/**
 * The image that the lab gives out as Ubuntu's current one.
 *
 * @param wanted "base" (default), "baked" (packages and container images inside), or an image's id.
 */
export function currentImage(lab: LabDescription, wanted = "base"): string {
  if (wanted === "base" || wanted === "baked") return lab.machineImages[wanted];
  return wanted;
}
