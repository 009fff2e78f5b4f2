import { mkdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { z } from "zod";

import { hashOfPath, inCache, makeDirectory } from "../cache";
import { EXTRA_NAMES } from "../extras";
import { goEnvironment } from "./go-build";
import type { ImageRecipe } from "./images";
import type { StepLog } from "./run";

/** The Go module of the programs that stand in for what cannot be had. */
const MODULE = join(__dirname, "..", "standins");

const standInImage = z.strictObject({
  /** Full upstream name. */
  image: z.string(),
  /** The program's package in the module. */
  command: z.string().startsWith("./cmd/"),
  entrypoint: z.array(z.string()).min(1),
  user: z.string().optional(),
  /** The product it stands in for. */
  standInFor: z.string(),
  labels: z.record(z.string(), z.string()).optional(),
  /** Bookinfo's own images carry a shell and curl, which its users reach for with kubectl exec. */
  base: z.enum(["scratch", "debian"]).default("scratch"),
  /** As in a recipe: the image is made only for labs that want it. */
  extra: z.enum(EXTRA_NAMES).optional(),
});

/** One entry of `lab/standins/images.json`. */
export type StandInImage = z.infer<typeof standInImage>;

/** The stand-ins' images, as their module lists them. */
export function standInImages(): StandInImage[] {
  return z.array(standInImage).parse(JSON.parse(readFileSync(join(MODULE, "images.json"), "utf8")));
}

/** The recipe of a stand-in's image; its label and annotation say what it is. */
export function standInRecipe({
  image,
  command,
  entrypoint,
  user,
  standInFor,
  labels,
  base,
  extra,
}: StandInImage): ImageRecipe {
  const program = entrypoint[0] ?? `/usr/bin/${basename(command)}`;
  return {
    name: image,
    base,
    programs: { [program]: { standIn: basename(command) } },
    entrypoint,
    ...(user ? { user } : {}),
    extra,
    labels: { ...labels, "io.daybreak.stand-in": "true", "io.daybreak.stand-in-for": standInFor },
  };
}

/** Where the stand-ins' binaries lie. */
export function standInsDirectory(): string {
  return inCache("tools", `stand-ins-${hashOfPath(MODULE).slice(0, 12)}`);
}

/** Builds every program that an image names. */
export async function buildStandIns(log: StepLog): Promise<void> {
  const commands = [...new Set(standInImages().map(({ command }) => command))];
  await makeDirectory(standInsDirectory(), async (directory) => {
    mkdirSync(directory, { recursive: true });
    const args = ["build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", `${directory}/`, ...commands];
    await log.run("go", args, { cwd: MODULE, env: goEnvironment() });
  });
}
