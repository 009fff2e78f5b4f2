import { mkdirSync, readFileSync, writeFileSync, existsSync } from "node:fs";
import { join } from "node:path";

import { cacheDir } from "./cache";

/** Where every lab keeps what lives and dies with it: the machines' disks, Pulumi's state, logs. */
export const LABS_DIR = "/var/lib/daybreak/labs";

/**
 * The passphrase that encrypts the secrets in a lab's Pulumi state.
 *
 * It is a constant because its salt stands in `Pulumi.lab.yaml`, which git tracks. What keeps a lab's secrets is that
 * its directory is open to root alone and goes with the lab; see docs/decisions/0006-lab-passphrase.md.
 */
export const LAB_PASSPHRASE = "daybreak-lab";

/** The stacks of a lab: the same two programs as on AWS with the lab's settings (`Pulumi.lab.yaml`, `Pulumi.lab-k8s.yaml`). */
export const LAB_STACKS = { infra: "lab", k8s: "lab-k8s" } as const;

/** A lab on this machine, as written to `lab.json` for the lab's own `aws` plugin. */
export interface Lab {
  /** Lowercase letters, digits and dashes, at most 20 characters: it becomes part of namespace and cgroup names. */
  name: string;
  /** `/var/lib/daybreak/labs/<name>`, mode 0700. */
  dir: string;
  /** The network namespace that plays the internet: Pulumi, SSH, Helm and kubectl run in it. */
  namespace: string;
  /** The address on this machine's own loopback at which the lab's published ports answer. */
  loopback: string;
  /** The cache folder with the machine images that the lab's instances boot from. */
  cacheDir: string;
  /** Ids of the machine images that EC2 offers in the lab. */
  machineImages: { base: string; baked: string };
  /** Which of them the lab's SSM parameter names: a bare server, or one with packages and container images inside. */
  image: MachineImageKind;
}

export type MachineImageKind = "base" | "baked";

/**
 * Describes the lab of that name without touching the machine.
 *
 * @throws if the name cannot become part of a namespace's name.
 */
export function describeLab(
  name: string,
  loopback: string,
  machineImages: Lab["machineImages"],
  image: MachineImageKind,
): Lab {
  if (!/^[a-z][a-z0-9-]{0,19}$/.test(name)) {
    throw new Error(
      `"${name}" is no name for a lab: use at most 20 lowercase letters, digits and dashes, a letter first.`,
    );
  }
  return {
    name,
    dir: join(LABS_DIR, name),
    namespace: `daybreak-${name}`,
    loopback,
    cacheDir: cacheDir(),
    machineImages,
    image,
  };
}

/** Makes the lab's directory, readable by root alone, and writes its description there. */
export function writeLab(lab: Lab): void {
  mkdirSync(lab.dir, { recursive: true, mode: 0o700 });
  mkdirSync(join(lab.dir, "pulumi"), { recursive: true, mode: 0o700 });
  writeFileSync(join(lab.dir, "lab.json"), JSON.stringify(lab, undefined, 2), { mode: 0o600 });
}

/** The lab of that name, or undefined when this machine has none. */
export function readLab(name: string): Lab | undefined {
  const dir = join(LABS_DIR, name);
  const file = join(dir, "lab.json");
  if (!existsSync(file)) return undefined;
  try {
    return { ...(JSON.parse(readFileSync(file, "utf8")) as Lab), dir };
  } catch {
    // Cut off while it was written: as dead as one without a description.
    return undefined;
  }
}

/**
 * What must stand in the environment of a process so that the plain `pulumi`, `kubectl` and `helm` commands mean this lab.
 *
 * Together with the namespace ({@link inLab}) it is the whole difference between the lab and AWS.
 */
export function labEnvironment(lab: Lab): Record<string, string> {
  return {
    PATH: `${join(lab.cacheDir, "bin")}:${process.env.PATH ?? "/usr/sbin:/usr/bin:/sbin:/bin"}`,
    PULUMI_HOME: join(lab.dir, "pulumi-home"),
    PULUMI_BACKEND_URL: `file://${join(lab.dir, "pulumi")}`,
    PULUMI_CONFIG_PASSPHRASE: LAB_PASSPHRASE,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    DAYBREAK_LAB: lab.name,
    DAYBREAK_LAB_DIR: lab.dir,
    DAYBREAK_CACHE: lab.cacheDir,
    DAYBREAK_LAB_IMAGE: lab.image,
    DAYBREAK_STACK: LAB_STACKS.infra,
    KUBECONFIG: kubeconfigFile(lab),
  };
}

/** The kubeconfig for processes inside the lab's namespace; it holds a private key, so root alone can read it. */
export function kubeconfigFile(lab: Lab): string {
  return join(lab.dir, "kubeconfig");
}

/** Where Pulumi's file backend keeps the state of one of the lab's stacks. */
export function stackFile(lab: Lab, stack: string): string {
  return join(lab.dir, "pulumi", ".pulumi", "stacks", "daybreak", `${stack}.json`);
}

/** The same command, run where the lab's public addresses can be reached. */
export function inLab(lab: Lab, file: string, args: readonly string[]): [string, string[]] {
  return ["nsenter", [`--net=/run/netns/${lab.namespace}`, "--", file, ...args]];
}
