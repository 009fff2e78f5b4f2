import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { inCache, makeDirectory } from "../cache";
import { copyTree } from "./rootfs";
import type { StepLog } from "./run";

/** What EC2 tells about a machine image; `image.json` in the image's directory. */
export interface MachineImage {
  id: string;
  name: string;
  description: string;
  kind: "base" | "baked";
}

/** The id of an image, in EC2's form, from what it is made of. */
export function machineImageId(content: string): string {
  return `ami-${createHash("sha256").update(content).digest("hex").slice(0, 17)}`;
}

/** `rootfs/` and, for a baked image, `containerd/` lie in it. */
export function machineImageDirectory(id: string): string {
  return inCache("machine-images", id);
}

/** The image that every EC2 region offers: an operating system and nothing of Kubernetes. */
export function baseImage(rootfs: string): MachineImage {
  return {
    id: machineImageId(rootfs),
    name: "daybreak-base",
    description: "A bare server: systemd, SSH, sudo and network tools",
    kind: "base",
  };
}

/** Makes the base image from a root file system; their files are shared. */
export async function buildBaseImage(rootfs: string, log: StepLog): Promise<void> {
  const image = baseImage(rootfs);
  await writeImage(image, async (directory) => copyTree(join(rootfs, "rootfs"), join(directory, "rootfs"), log, true));
}

/** Fills an image's directory, whole or not at all. */
export async function writeImage(image: MachineImage, fill: (directory: string) => Promise<void>): Promise<void> {
  await makeDirectory(machineImageDirectory(image.id), async (directory) => {
    mkdirSync(directory, { recursive: true });
    await fill(directory);
    writeFileSync(join(directory, "image.json"), `${JSON.stringify(image, undefined, 2)}\n`);
  });
}
