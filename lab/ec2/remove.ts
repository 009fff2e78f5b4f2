import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";

import { hierarchies, labCgroup, processesIn, removeCgroup } from "./linux/cgroup";
import { run } from "./linux/command";
import { holdsHost, restoreHost } from "./linux/host";
import { namespacePath, namespaces, removeNamespace } from "./linux/namespace";
import { endProcesses, readProcessFile, waitUntil } from "./linux/process";
import { namespaceKind } from "./network/names";

/** Where all labs are; the same as `LABS_DIR` in lab/lab.ts. */
const labsDir = "/var/lib/daybreak/labs";

/**
 * Removes everything of a lab from this machine, found by the lab's name alone, in whatever state it is: processes,
 * mounts, namespaces with their devices, control groups, files, and changed settings of this machine (when no other lab
 * needs them). The process that calls this and those above it are spared, wherever they run.
 */
export async function removeLab(name: string): Promise<void> {
  checkName(name);
  // What could start a machine again has to end first, so processes go before everything that they hold.
  await endProcesses(() => labProcesses(name), `the lab ${name}`, 20);
  await unmountAll(name);
  await Promise.all(labNamespaces(name).map((namespace) => removeNamespace(namespace)));
  for (const folder of labCgroups(name)) {
    await waitUntil(
      () => tryRemoveCgroup(folder),
      5,
      () => `the control group ${folder} could not be removed`,
    );
  }
  const folder = join(labsDir, name);
  if (existsSync(folder)) await run("rm", ["--recursive", "--force", "--one-file-system", folder], "", 300);
  await restoreHost(name);
}

/** What of a lab is on this machine, one line each; empty when there is nothing. */
export async function listLeftovers(name: string): Promise<string[]> {
  checkName(name);
  const folder = join(labsDir, name);
  return [
    ...labProcesses(name).map((pid) => `process ${pid}: ${commandOf(pid)}`),
    ...labMounts(name).map((mount) => `mount ${mount}`),
    ...labNamespaces(name).map((namespace) => `network namespace ${namespace}`),
    ...labCgroups(name).map((group) => `control group ${group}`),
    ...(existsSync(folder) ? [`folder ${folder}`] : []),
    ...(holdsHost(name) ? [`settings of this machine, kept for the lab ${name}`] : []),
  ];
}

function checkName(name: string): void {
  if (!/^[a-z][a-z0-9-]{0,19}$/.test(name)) throw new Error(`"${name}" is no name for a lab`);
}

function labNamespaces(name: string): string[] {
  return namespaces().filter((namespace) => namespaceKind(name, namespace) !== undefined);
}

function labCgroups(name: string): string[] {
  return hierarchies()
    .map((hierarchy) => labCgroup(hierarchy, name))
    .filter((folder) => existsSync(folder));
}

function tryRemoveCgroup(folder: string): boolean {
  try {
    removeCgroup(folder);
    return true;
  } catch {
    return false;
  }
}

/** Mounts of this machine below the lab's folder, the innermost first. */
function labMounts(name: string): string[] {
  const folder = join(labsDir, name);
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((mount) => mount === folder || mount.startsWith(`${folder}/`))
    .reverse();
}

async function unmountAll(name: string): Promise<void> {
  for (const mount of labMounts(name)) await run("umount", ["--lazy", mount]);
}

/**
 * Processes of a lab: those in its control groups, in its network namespaces, and those started for it
 * (`DAYBREAK_LAB=<name>` in their environment, as every lab process has). Without the caller and those above it.
 */
function labProcesses(name: string): number[] {
  const spared = ancestors(process.pid);
  const inGroups = new Set(labCgroups(name).flatMap(processesIn));
  const inodes = new Set(labNamespaces(name).flatMap(namespaceInode));
  return processIds().filter(
    (pid) =>
      !spared.has(pid) &&
      (inGroups.has(pid) || inodes.has(networkOf(pid)) || environmentOf(pid).includes(`DAYBREAK_LAB=${name}`)),
  );
}

function processIds(): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 1);
}

function ancestors(pid: number): Set<number> {
  const found = new Set<number>();
  for (let at = pid; at > 0 && !found.has(at); at = parentOf(at)) found.add(at);
  return found;
}

function parentOf(pid: number): number {
  const stat = readProcessFile(pid, "stat");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1] ?? 0);
}

function environmentOf(pid: number): string[] {
  return readProcessFile(pid, "environ").split("\0");
}

function commandOf(pid: number): string {
  return readProcessFile(pid, "cmdline").split("\0").join(" ").trim().slice(0, 120) || "(no command line)";
}

function networkOf(pid: number): string {
  try {
    return /\d+/.exec(readlinkSync(`/proc/${pid}/ns/net`))?.[0] ?? "";
  } catch {
    return "";
  }
}

/** A name in /run/netns whose namespace was never attached, or is gone, is a plain file: it has no processes. */
function namespaceInode(namespace: string): string[] {
  try {
    return [String(statSync(namespacePath(namespace)).ino)];
  } catch {
    return [];
  }
}
