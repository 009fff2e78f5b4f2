import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { instanceTypes } from "../model/instance-types";

/** A mounted cgroup hierarchy of this machine. */
export interface Hierarchy {
  mount: string;
  version: 1 | 2;
  /** Controllers of a version 1 hierarchy ("name=systemd" among them); empty for version 2. */
  controllers: string[];
}

/** The hierarchies of this machine by its mount table: many on version 1, one on version 2, both on hybrid ones. */
export function hierarchies(mountinfo = readFileSync("/proc/self/mountinfo", "utf8")): Hierarchy[] {
  const found = mountinfo.split("\n").flatMap((line): Hierarchy[] => {
    const [left = "", right = ""] = line.split(" - ");
    const [type, , options = ""] = right.split(" ");
    const mount = left.split(" ")[4] ?? "";
    if (!mount.startsWith("/sys/fs/cgroup")) return [];
    if (type === "cgroup2") return [{ mount, version: 2, controllers: [] }];
    if (type !== "cgroup") return [];
    const controllers = options.split(",").filter((option) => option !== "rw" && option !== "ro");
    return [{ mount, version: 1, controllers }];
  });
  // A hierarchy can be mounted twice (cpu,cpuacct and a link each); the path decides.
  return [...new Map(found.map((hierarchy) => [hierarchy.mount, hierarchy])).values()];
}

/** The lab's folder in a hierarchy. */
export function labCgroup(hierarchy: Hierarchy, lab: string): string {
  return join(hierarchy.mount, `daybreak-${lab}`);
}

/**
 * Makes a machine's groups in every hierarchy, with its type's processors and memory as limits.
 *
 * @returns the groups for its first process: `supervisor` for what starts it, `machine` for the machine itself.
 */
export function makeCgroups(
  lab: string,
  instanceId: string,
  type: string,
): { supervisor: string[]; machine: string[] } {
  const groups = { supervisor: [] as string[], machine: [] as string[] };
  for (const hierarchy of hierarchies()) {
    const parent = labCgroup(hierarchy, lab);
    const own = join(parent, instanceId);
    for (const folder of [parent, own, join(own, "supervisor"), join(own, "machine")]) makeGroup(hierarchy, folder);
    // The first counts; the second is what the machine sees of itself.
    for (const folder of [own, join(own, "machine")]) limit(hierarchy, folder, type);
    groups.supervisor.push(join(own, "supervisor"));
    groups.machine.push(join(own, "machine"));
  }
  return groups;
}

function makeGroup(hierarchy: Hierarchy, folder: string): void {
  mkdirSync(folder, { recursive: true });
  if (hierarchy.controllers.includes("cpuset")) copyCpuset(folder);
  // In version 2 a parent has to hand its controllers down before a child can use them.
  if (hierarchy.version === 2) handDownControllers(join(folder, ".."));
}

/** A new cpuset is empty, and nothing can enter it before it has processors and memory nodes. */
function copyCpuset(folder: string): void {
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    if (readFileSync(join(folder, file), "utf8").trim() !== "") continue;
    writeFileSync(join(folder, file), readFileSync(join(folder, "..", file), "utf8"));
  }
}

function handDownControllers(folder: string): void {
  const present = new Set(readFileSync(join(folder, "cgroup.controllers"), "utf8").trim().split(" "));
  for (const controller of ["cpuset", "cpu", "io", "memory", "hugetlb", "pids"]) {
    if (present.has(controller)) writeFileSync(join(folder, "cgroup.subtree_control"), `+${controller}`);
  }
}

function limit(hierarchy: Hierarchy, folder: string, typeName: string): void {
  const type = instanceTypes[typeName];
  if (type === undefined) return;
  const memory = String(type.memoryMib * 1024 * 1024);
  const period = 100_000;
  const settings: Record<string, string> =
    hierarchy.version === 2
      ? {
          "memory.max": memory,
          "cpu.max": `${type.vcpus * period} ${period}`,
          "cpu.weight": String(Math.min(10_000, 100 * type.vcpus)),
        }
      : {
          "memory.limit_in_bytes": memory,
          "cpu.cfs_period_us": String(period),
          "cpu.cfs_quota_us": String(type.vcpus * period),
          "cpu.shares": String(1024 * type.vcpus),
        };
  for (const [file, value] of Object.entries(settings)) {
    if (existsSync(join(folder, file))) writeFileSync(join(folder, file), value);
  }
}

/** Ids of the processes in a group and all groups below it; empty if there is no such group. */
export function processesIn(folder: string): number[] {
  const own = readLines(join(folder, "cgroup.procs"))
    .map(Number)
    .filter((pid) => pid > 0);
  return [...own, ...children(folder).flatMap((child) => processesIn(child))];
}

/** Removes an empty group with all groups below it; nothing happens if it is gone. */
export function removeCgroup(folder: string): void {
  for (const child of children(folder)) removeCgroup(child);
  try {
    rmdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

function children(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(folder, entry.name));
  } catch {
    return [];
  }
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, "utf8").split("\n");
  } catch {
    return [];
  }
}
