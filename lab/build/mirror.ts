import { readdirSync } from "node:fs";
import { join } from "node:path";

import { inCache, makeDirectory } from "../cache";
import { downloadPackages } from "./debian";
import { registryDirectory } from "./registry-images";
import type { StepLog } from "./run";

/** The mirror's address in every lab: packages and charts at port 80, images at port 5000. */
export const MIRROR_ADDRESS = "198.51.100.20";

/** What the configuration's mirror keys are set to in a lab. */
export const MIRROR_URLS = {
  apt: `http://${MIRROR_ADDRESS}/apt`,
  images: `http://${MIRROR_ADDRESS}:5000`,
  charts: `http://${MIRROR_ADDRESS}/charts`,
} as const;

/** A program of the mirror with its arguments. */
export interface MirrorProgram {
  file: string;
  args: string[];
}

/** Where the registry's program lies; taken out of its package, because installing that would start a registry here. */
export function registryProgramDirectory(): string {
  return inCache("tools", "docker-registry");
}

/** Fetches the distribution's docker-registry. */
export async function fetchRegistryProgram(log: StepLog): Promise<void> {
  await makeDirectory(registryProgramDirectory(), async (directory) => {
    await downloadPackages(["docker-registry"], directory, log);
    const [deb = ""] = readdirSync(directory).filter((name) => name.endsWith(".deb"));
    await log.run("dpkg-deb", ["--extract", join(directory, deb), directory]);
  });
}

/** The registry's configuration: the storage in the cache, read-only, at the mirror's address. */
export function registryConfig(address = MIRROR_ADDRESS): string {
  const config = {
    version: "0.1",
    log: { level: "warn", accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory: registryDirectory() },
      maintenance: { uploadpurging: { enabled: false }, readonly: { enabled: true } },
    },
    http: { addr: `${address}:5000` },
  };
  // JSON is YAML, and needs no quoting rules.
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

/** Serves the images; `configFile` holds {@link registryConfig}. Run it where the mirror's address exists. */
export function registryProgram(configFile: string): MirrorProgram {
  return { file: join(registryProgramDirectory(), "usr", "bin", "docker-registry"), args: ["serve", configFile] };
}

/** Serves packages and charts. Run it where the mirror's address exists. */
export function fileServerProgram(address = MIRROR_ADDRESS): MirrorProgram {
  const folder = inCache("mirror");
  return {
    file: process.execPath,
    args: ["--import", require.resolve("tsx"), join(__dirname, "file-server.ts"), folder, address, "80"],
  };
}
