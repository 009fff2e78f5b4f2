import { existsSync } from "node:fs";

import { hashOf, withCacheLock } from "../cache";
import { EXTRA_NAMES, type ExtraName } from "../extras";
import { LANGUAGE_HOST } from "../plugins/version";
import { decide, remember, rememberedSupply } from "../upstream/decision";
import { IMAGE_COPIER } from "../upstream/images";
import { fetchSteps, stepsOf } from "../upstream/steps";
import { describeSupply } from "../upstream/summary";
import { Supply } from "../upstream/supply";
import { aptRepositoryKey, buildAptRepository, builtAptRepositoryKey } from "./apt-repository";
import { bakedImage, buildBakedImage } from "./baked-image";
import { buildCharts, builtChartsKey, chartsKey } from "./charts";
import { hostIsReady, installHostPackages } from "./debian";
import { isWanted, replacements, standInReplacements, standInsWanted } from "./demand";
import { buildGoTool, linkProgram, toolBinary, toolDirectory } from "./go-build";
import { runSteps, type GraphResult, type Report, type Step } from "./graph";
import { baseImage, buildBaseImage, machineImageDirectory, type MachineImage } from "./machine-images";
import { fetchRegistryProgram, registryProgramDirectory } from "./mirror";
import { prune } from "./prune";
import { buildRegistry, imageNames, registryHasImages, registryKey } from "./registry-images";
import { buildRootfs, rootfsDirectory } from "./rootfs";
import { buildStandIns, standInsDirectory } from "./stand-ins";
import { GO_TOOLS, type GoTool } from "./tools";

/** What the build left in the cache. */
export interface BuildResult extends GraphResult {
  /** Ids of the machine images that EC2 offers in a lab. */
  machineImages: { base: string; baked: string };
  /** What of it is upstream's. */
  supply: Supply;
}

/** Settings of a build. */
export interface BuildOptions {
  report: Report;
  /** Those whose images the mirror has to have. */
  extras: readonly ExtraName[];
}

/**
 * Fetches or builds everything that a lab needs and the cache lacks: tools, packages, images, charts, machine images.
 *
 * Two builds on one machine take turns.
 *
 * @throws StepFailed, which names the step, its log and the log's last lines; UpstreamUnreachable.
 */
export function buildAll({ report, extras }: BuildOptions): Promise<BuildResult> {
  return locked(report, async () => {
    const { supply, ...result } = await supplied(report, extras);
    const machineImages = { base: base().id, baked: baked(supply).id };
    prune([...Object.values(machineImages).map(machineImageDirectory), ...builtDirectories()]);
    return { machineImages, supply, ...result };
  });
}

/** Asks upstream's sites only if the cache lacks something of what the last build decided on. */
async function supplied(report: Report, extras: readonly ExtraName[]): Promise<GraphResult & { supply: Supply }> {
  const known = rememberedSupply(extras);
  const steps = known && allSteps(known);
  if (known && steps?.every((step) => step.done())) {
    for (const { name, always } of steps) {
      always?.();
      report(name, "cached", "");
    }
    return { supply: known, built: [], seconds: {} };
  }
  report("upstream", "running", "asking whether its downloads can be reached");
  const supply = await decide(extras);
  report("upstream", "done", describeSupply(supply).join("; "));
  const result = await runSteps(allSteps(supply), report);
  remember(supply);
  return { supply, ...result };
}

/** What the current sources can ask for, beside the machine images and what is found by a key of its own. */
function builtDirectories(): string[] {
  const downloads = new Supply({}, EXTRA_NAMES).parts().map(({ directory }) => directory);
  return [
    ...GO_TOOLS.map(toolDirectory),
    standInsDirectory(),
    rootfsDirectory(),
    registryProgramDirectory(),
    ...downloads,
  ];
}

function locked<Result>(report: Report, work: () => Promise<Result>): Promise<Result> {
  return withCacheLock(work, (pid) => report("cache", "running", `waiting for the build of process ${pid}`));
}

/** Every step of the build, in the order of preference: what takes longest, and what most others wait for, comes first. */
export function allSteps(supply: Supply): Step[] {
  const [pulumi, kubernetes, ...others] = GO_TOOLS.map((tool) => goStep(tool, supply));
  const first = [...fetchSteps(supply), pulumi, kubernetes].filter((step) => step !== undefined);
  const own = [rootfs(), ...others, standIns(supply), ...systemSteps(supply), ...mirrorSteps(supply)];
  return [hostPackages(supply), ...first, ...own];
}

function hostPackages(supply: Supply): Step {
  const copied = supply.imageParts().filter((part) => supply.upstream(part) && !part.have());
  const more = copied.length > 0 ? [IMAGE_COPIER] : [];
  return {
    name: "host-packages",
    needs: [],
    done: () => hostIsReady(more),
    run: async (log) => void (await installHostPackages(more, log)),
  };
}

/** Whether a tool is wanted is known when what could replace it has been fetched, or could not be. */
function goStep(tool: GoTool, supply: Supply): Step {
  return {
    name: tool.name,
    needs: [...(tool.cgo ? ["host-packages"] : []), ...stepsOf(supply, replacements(tool, supply))],
    heavy: true,
    turn: tool.module,
    done: () => !isWanted(tool, supply) || existsSync(toolDirectory(tool)),
    run: (log) => buildGoTool(tool, log),
    always: () => linkPrograms(tool, supply),
  };
}

/** Upstream's programs have one name more than the lab's: Pulumi's language host. */
function linkPrograms(tool: GoTool, supply: Supply): void {
  for (const name of tool.onPath ?? []) linkProgram(supply.program(name) ?? toolBinary(tool, name), name);
  const host = supply.program(LANGUAGE_HOST);
  if (tool.name === "pulumi" && host !== undefined) linkProgram(host, LANGUAGE_HOST);
}

function rootfs(): Step {
  const done = (): boolean => existsSync(rootfsDirectory());
  return { name: "rootfs", needs: ["host-packages"], heavy: true, done, run: buildRootfs };
}

function standIns(supply: Supply): Step {
  const done = (): boolean => !standInsWanted(supply) || existsSync(standInsDirectory());
  const needs = stepsOf(supply, standInReplacements(supply));
  return { name: "stand-ins", needs, heavy: true, done, run: buildStandIns };
}

function systemSteps(supply: Supply): Step[] {
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
      done: () => existsSync(machineImageDirectory(baked(supply).id)),
      run: (log) => buildBakedImage(baked(supply), rootfsDirectory(), imageNames(supply.withoutExtras()), log),
    },
  ];
}

function mirrorSteps(supply: Supply): Step[] {
  const images = stepsOf(supply, supply.imageParts());
  return [
    {
      name: "registry-program",
      needs: ["host-packages"],
      done: () => existsSync(registryProgramDirectory()),
      run: fetchRegistryProgram,
    },
    {
      name: "apt-repository",
      needs: ["rootfs", "kubernetes", "cni", ...stepsOf(supply, [supply.packages])],
      done: () => builtAptRepositoryKey() === aptRepositoryKey(rootfsDirectory(), supply),
      run: (log) => buildAptRepository(rootfsDirectory(), supply, log),
    },
    {
      name: "registry",
      needs: ["rootfs", "stand-ins", ...GO_TOOLS.map(({ name }) => name), ...images],
      heavy: true,
      done: () => registryHasImages(rootfsDirectory(), supply),
      run: (log) => buildRegistry(rootfsDirectory(), supply, log),
    },
    {
      name: "charts",
      needs: ["helm", "prometheus-operator", ...images],
      done: () => builtChartsKey() === chartsKey(supply),
      run: (log) => buildCharts(supply, log),
    },
  ];
}

function base(): MachineImage {
  return baseImage(rootfsDirectory());
}

/** The same with and without extras, so that every lab on this machine boots from the one. */
function baked(supply: Supply): MachineImage {
  const packages = aptRepositoryKey(rootfsDirectory(), supply);
  const images = registryKey(rootfsDirectory(), supply.withoutExtras());
  return bakedImage(hashOf(rootfsDirectory(), packages, images));
}
