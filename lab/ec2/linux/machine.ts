import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";

import type { MachineOrder } from "../hardware";
import { imageDir, type LabDescription } from "../lab-description";
import { machineNamespace } from "../network/names";
import { hierarchies, labCgroup, makeCgroups, processesIn, removeCgroup } from "./cgroup";
import { run } from "./command";
import { Disk } from "./disk";
import { defaultHostname, prepareDisk, writeMemory } from "./first-boot";
import { namespacePath } from "./namespace";
import { endProcesses, waitUntil } from "./process";

/** Folders of a machine that have to lie on a real file system: an overlay can't lie on an overlay, and etcd syncs. */
const ownFolders = ["/var/lib/containerd", "/var/lib/kubelet", "/var/lib/etcd", "/var/log/pods", "/var/log/journal"];

/** Where a machine's disk and console log lie. */
export function machineDir(labDir: string, instanceId: string): string {
  return join(labDir, "ec2", "instances", instanceId);
}

/** Boots a machine; returns when its first process runs. The first boot makes its disk from the image. */
export async function bootMachine(lab: LabDescription, order: MachineOrder): Promise<void> {
  const { id, imageId, type } = order.instance;
  const image = imageDir(lab, imageId);
  if (!existsSync(join(image, "rootfs"))) {
    throw new Error(`the machine image ${imageId} is not in ${image}; build it with: npm run lab -- start --empty`);
  }
  const folder = machineDir(lab.dir, id);
  const disk = new Disk(join(image, "rootfs"), join(folder, "upper"));
  if (!existsSync(join(folder, "work"))) await makeDisk(folder, image, disk, order);
  writeMemory(disk, type);
  const groups = makeCgroups(lab.name, id, type);
  startSupervisor(lab, order, folder, join(image, "rootfs"), groups);
  await waitUntil(
    () => isMachineAlive(lab.name, id),
    10,
    () => `the machine ${id} did not start: ${lastLines(join(folder, "console.log"))}`,
  );
}

function lastLines(file: string): string {
  return readFileSync(file, "utf8").trim().split("\n").slice(-10).join("\n") || "its console log is empty";
}

async function makeDisk(folder: string, image: string, disk: Disk, order: MachineOrder): Promise<void> {
  await prepareDisk(disk, order);
  const containerd = join(folder, "own", "var-lib-containerd");
  mkdirSync(join(folder, "own"), { recursive: true, mode: 0o700 });
  if (existsSync(join(image, "containerd"))) await copyImageStore(join(image, "containerd"), containerd);
  for (const own of ownFolders) {
    mkdirSync(ownFolder(folder, own), { recursive: true, mode: 0o755 });
    disk.makeFolder(own);
  }
  for (const name of ["root", "run", "work"]) mkdirSync(join(folder, name), { mode: 0o755 });
}

function ownFolder(folder: string, path: string): string {
  return join(folder, "own", path.slice(1).replaceAll("/", "-"));
}

/** Files are shared with the image by hard links; databases, which containerd writes to, are copied. */
async function copyImageStore(from: string, to: string): Promise<void> {
  try {
    await run("cp", ["--archive", "--link", from, to], "", 120);
  } catch {
    // On another file system than the cache's there are no hard links.
    await rm(to, { recursive: true, force: true });
    await run("cp", ["--archive", from, to], "", 300);
  }
  const databases = await run("find", [to, "-name", "*.db", "-type", "f"]);
  for (const file of databases.split("\n").filter((line) => line !== "")) {
    const copy = `${file}.copy`;
    await cp(file, copy);
    await run("mv", ["--force", copy, file]);
  }
}

/**
 * The machine's supervisor: has mounts of its own (the overlay, an empty /run), so that nothing is left of them when it
 * ends, and starts systemd-nspawn again when the machine reboots (exit code 133).
 */
const supervisorScript = `
folder=$1 rootfs=$2 netns=$3 hostname=$4 uuid=$5
for group in $SUPERVISOR_GROUPS; do echo $$ > "$group/cgroup.procs"; done
mount -n -t tmpfs -o mode=755 daybreak "$folder/run"
mkdir "$folder/run/netns" "$folder/run/lock"
touch "$folder/run/netns/machine"
mount -n --bind "$netns" "$folder/run/netns/machine"
mount -n --move "$folder/run" /run
rm -rf "$folder/work/work/incompat"
layers="lowerdir=$rootfs,upperdir=$folder/upper,workdir=$folder/work"
mount -n -t overlay -o "$layers,volatile" daybreak "$folder/root" 2> /dev/null ||
  mount -n -t overlay -o "$layers" daybreak "$folder/root"
shift 5
while :; do
  code=0
  (
    for group in $MACHINE_GROUPS; do sh -c 'echo $PPID' > "$group/cgroup.procs"; done
    exec systemd-nspawn --quiet --boot --directory="$folder/root" --machine="$hostname" --uuid="$uuid" \\
      --register=no --keep-unit --network-namespace-path=/run/netns/machine --capability=all \\
      --system-call-filter='@keyring bpf @mount @known' --bind=/dev/kmsg "$@" \\
      --resolv-conf=off --timezone=off --link-journal=no --kill-signal=SIGRTMIN+3 --console=passive
  ) || code=$?
  [ "$code" = 133 ] || exit "$code"
  for group in $MACHINE_GROUPS; do find "$group" -mindepth 1 -depth -type d -exec rmdir {} + || true; done
done
`;

function startSupervisor(
  lab: LabDescription,
  { instance }: MachineOrder,
  folder: string,
  rootfs: string,
  groups: { supervisor: string[]; machine: string[] },
): void {
  const log = openSync(join(folder, "console.log"), "a", 0o600);
  const netns = namespacePath(machineNamespace(lab.name, instance.id));
  const hostname = defaultHostname(instance.privateIp);
  const uuid = `${instance.id.slice(2).padEnd(32, "0")}`.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  const binds = ownFolders.map((own) => `--bind=${ownFolder(folder, own)}:${own}`);
  const child = spawn(
    "unshare",
    ["--mount", "--", "sh", "-euc", supervisorScript, "sh", folder, rootfs, netns, hostname, uuid, ...binds],
    {
      cwd: "/",
      detached: true,
      stdio: ["ignore", log, log],
      env: {
        PATH: process.env.PATH ?? "/usr/sbin:/usr/bin:/sbin:/bin",
        DAYBREAK_LAB: lab.name,
        SUPERVISOR_GROUPS: groups.supervisor.join(" "),
        MACHINE_GROUPS: groups.machine.join(" "),
        SYSTEMD_NSPAWN_API_VFS_WRITABLE: "1",
      },
    },
  );
  child.on("error", () => {});
  child.unref();
  closeSync(log);
}

/** The groups of a machine in all hierarchies. */
function cgroupsOf(lab: string, instanceId: string): string[] {
  return hierarchies().map((hierarchy) => join(labCgroup(hierarchy, lab), instanceId));
}

function machineProcesses(lab: string, instanceId: string): number[] {
  return [...new Set(cgroupsOf(lab, instanceId).flatMap(processesIn))];
}

/** Whether a machine's own processes are there, beside its supervisor. */
export function isMachineAlive(lab: string, instanceId: string): boolean {
  return cgroupsOf(lab, instanceId).some((folder) => processesIn(join(folder, "machine")).length > 0);
}

/** Shuts a machine down as its power button would, and makes it end after `limitSeconds`. */
export async function shutDownMachine(lab: string, instanceId: string, limitSeconds = 10): Promise<void> {
  await run("sh", ["-uc", askToPowerOff, "sh", ...cgroupsOf(lab, instanceId)]);
  const gone = () => machineProcesses(lab, instanceId).length === 0;
  await waitUntil(gone, limitSeconds, () => "").catch(() => {});
  await killMachine(lab, instanceId);
}

/** SIGRTMIN+4 asks a machine's systemd, a child of nspawn, to power off. */
const askToPowerOff = `
for group in "$@"; do
  for pid in $(find "$group" -name cgroup.procs -exec cat {} +); do
    if [ "$(cat /proc/$pid/comm)" = systemd ]; then
      grep -q "^NSpid:.*[[:space:]]1$" /proc/$pid/status && kill -s RTMIN+4 "$pid"
    fi
  done
done 2> /dev/null
exit 0
`;

/** Ends every process of a machine and removes its control groups. */
export async function killMachine(lab: string, instanceId: string): Promise<void> {
  await endProcesses(() => machineProcesses(lab, instanceId), `the machine ${instanceId}`);
  for (const folder of cgroupsOf(lab, instanceId)) {
    await waitUntil(
      () => removed(folder),
      5,
      () => `the control group ${folder} could not be removed`,
    );
  }
}

function removed(folder: string): boolean {
  try {
    removeCgroup(folder);
    return true;
  } catch {
    return false;
  }
}

/** Removes a machine's disk and log. */
export async function removeDisk(labDir: string, instanceId: string): Promise<void> {
  const folder = machineDir(labDir, instanceId);
  if (existsSync(folder)) await run("rm", ["--recursive", "--force", "--one-file-system", folder], "", 120);
  const parent = join(labDir, "ec2", "instances");
  if (existsSync(parent) && readdirSync(parent).length === 0) rmSync(parent, { recursive: true });
}
