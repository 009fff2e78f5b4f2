import { existsSync } from "node:fs";

import { hashOf, withCacheLock } from "../cache";
import { aptRepositoryKey, buildAptRepository, builtAptRepositoryKey } from "./apt-repository";
import { bakedImage, buildBakedImage } from "./baked-image";
import { buildCharts, builtChartsKey, chartsKey } from "./charts";
import { hostIsReady, installHostPackages } from "./debian";
import { buildGoTool, linkTool, toolDirectory } from "./go-build";
import { runSteps, type Report, type Step } from "./graph";
import { baseImage, buildBaseImage, machineImageDirectory, type MachineImage } from "./machine-images";
import { fetchRegistryProgram, registryProgramDirectory } from "./mirror";
import { prune } from "./prune";
import { buildRegistry, builtRegistryKey, registryKey } from "./registry-images";
import { buildRootfs, rootfsDirectory } from "./rootfs";
import { buildStandIns, standInsDirectory } from "./stand-ins";
import { GO_TOOLS, type GoTool } from "./tools";

/** What the build left in the cache. */
export interface BuildResult {
  /** Ids of the machine images that EC2 offers in a lab. */
  machineImages: { base: string; baked: string };
  /** Names of the steps that did something; none when all of it was in the cache. */
  built: string[];
  /** Seconds that each of those took. */
  seconds: Record<string, number>;
}

/** Settings of a build. */
export interface BuildOptions {
  report: Report;
}

/**
 * Builds everything that a lab needs and the cache lacks: tools, packages, images, charts, machine images.
 *
 * Two builds on one machine take turns.
 *
 * @throws StepFailed, which names the step, its log and the log's last lines.
 */
export function buildAll({ report }: BuildOptions): Promise<BuildResult> {
  return locked(report, async () => {
    const result = await runSteps(allSteps(), report);
    const machineImages = { base: base().id, baked: baked().id };
    prune([...Object.values(machineImages).map(machineImageDirectory), ...builtDirectories()]);
    return { machineImages, ...result };
  });
}

/** What the current sources ask for, beside the machine images and what is found by a key of its own. */
function builtDirectories(): string[] {
  return [...GO_TOOLS.map(toolDirectory), standInsDirectory(), rootfsDirectory(), registryProgramDirectory()];
}

function locked<Result>(report: Report, work: () => Promise<Result>): Promise<Result> {
  return withCacheLock(work, (pid) => report("cache", "running", `waiting for the build of process ${pid}`));
}

/** Every step of the build, in the order of preference: what takes longest, and what most others wait for, comes first. */
export function allSteps(): Step[] {
  const [pulumi, kubernetes, ...others] = GO_TOOLS.map(goStep);
  const first = [pulumi, kubernetes].filter((step) => step !== undefined);
  return [hostPackages(), ...first, rootfs(), ...others, standIns(), ...systemSteps(), ...mirrorSteps()];
}

function hostPackages(): Step {
  return {
    name: "host-packages",
    needs: [],
    done: hostIsReady,
    run: async (log) => void (await installHostPackages(log)),
  };
}

function goStep(tool: GoTool): Step {
  return {
    name: tool.name,
    needs: tool.cgo ? ["host-packages"] : [],
    heavy: true,
    done: () => existsSync(toolDirectory(tool)),
    run: (log) => buildGoTool(tool, log),
    always: () => linkTool(tool),
  };
}

function rootfs(): Step {
  const done = (): boolean => existsSync(rootfsDirectory());
  return { name: "rootfs", needs: ["host-packages"], heavy: true, done, run: buildRootfs };
}

function standIns(): Step {
  const done = (): boolean => existsSync(standInsDirectory());
  return { name: "stand-ins", needs: [], heavy: true, done, run: buildStandIns };
}

function systemSteps(): Step[] {
  return [
    {
      name: "base-machine-image",
      needs: ["rootfs"],
      done: () => existsSync(machineImageDirectory(base().id)),
      run: (log) => buildBaseImage(rootfsDirectory(), log),
    },
    {
      name: "baked-machine-image",
      needs: ["apt-repository", "registry"],
      heavy: true,
      done: () => existsSync(machineImageDirectory(baked().id)),
      run: (log) => buildBakedImage(baked(), rootfsDirectory(), log),
    },
  ];
}

function mirrorSteps(): Step[] {
  return [
    {
      name: "registry-program",
      needs: ["host-packages"],
      done: () => existsSync(registryProgramDirectory()),
      run: fetchRegistryProgram,
    },
    {
      name: "apt-repository",
      needs: ["rootfs", "kubernetes", "cni"],
      done: () => builtAptRepositoryKey() === aptRepositoryKey(rootfsDirectory()),
      run: (log) => buildAptRepository(rootfsDirectory(), log),
    },
    {
      name: "registry",
      needs: ["rootfs", "stand-ins", ...GO_TOOLS.map(({ name }) => name)],
      heavy: true,
      done: () => builtRegistryKey() === registryKey(rootfsDirectory()),
      run: (log) => buildRegistry(rootfsDirectory(), log),
    },
    {
      name: "charts",
      needs: ["helm", "prometheus-operator"],
      done: () => builtChartsKey() === chartsKey(),
      run: buildCharts,
    },
  ];
}

function base(): MachineImage {
  return baseImage(rootfsDirectory());
}

function baked(): MachineImage {
  return bakedImage(hashOf(rootfsDirectory(), aptRepositoryKey(rootfsDirectory()), registryKey(rootfsDirectory())));
}
