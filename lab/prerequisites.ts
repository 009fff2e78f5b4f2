import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statfsSync } from "node:fs";
import { createServer } from "node:net";
import { totalmem } from "node:os";

import { isOlderGo, requiredGo } from "./build/go-build";
import { cacheDir } from "./cache";
import { kernelMayHave } from "./kernel";
import { LABS_DIR } from "./lab";
import { decide, rememberedSupply } from "./upstream/decision";

/**
 * Throws the whole list of what keeps a lab from running here, before anything is made.
 *
 * @param ports loopback addresses that the lab will publish, such as `127.0.0.1:30080`.
 */
export async function refuseUnfitMachine(ports: string[]): Promise<void> {
  const missing = await missingPrerequisites(ports);
  if (missing.length > 0) throw new Error(describeMissing(missing));
}

/** One thing that the machine lacks, and what to do about it. */
interface Missing {
  what: string;
  remedy: string;
}

/** A full run was measured at 6 GiB for three nodes with all workloads; below 8 GiB the kernel starts to kill pods. */
const MEMORY_GIB = 8;
/** Go modules, build cache, tools, images and two machine images take 15 GiB; three machines' disks 4 GiB. */
const CACHE_DISK_GIB = 17;
const LABS_DISK_GIB = 5;

async function missingPrerequisites(ports: string[]): Promise<Missing[]> {
  if (process.platform !== "linux") {
    return [{ what: `this is ${process.platform}, not Linux`, remedy: "run the lab in a Linux virtual machine" }];
  }
  const missing = [
    root(),
    await go(),
    apt(),
    memory(),
    disk(cacheDir(), CACHE_DISK_GIB),
    disk(LABS_DIR, LABS_DISK_GIB),
  ];
  missing.push(cgroups(), ...kernelFeatures(), ...(await Promise.all(ports.map(portTaken))));
  return missing.filter((entry): entry is Missing => entry !== undefined);
}

/** The list as a person reads it. */
function describeMissing(missing: Missing[]): string {
  const lines = missing.map(({ what, remedy }) => `  ✘ ${what}\n    → ${remedy}`);
  return ["This machine cannot run the lab yet:", ...lines, "Nothing was made."].join("\n");
}

function root(): Missing | undefined {
  if (process.getuid?.() === 0) return undefined;
  return { what: "not running as root", remedy: "machines and networks need root: sudo -E npm start" };
}

/** Where all of upstream's downloads can be had, nothing is built and Go is not needed. */
async function go(): Promise<Missing | undefined> {
  const lack = goLack();
  if (lack === undefined) return undefined;
  const supply = rememberedSupply() ?? (await decide());
  const [reason] = Object.values(supply.reasons());
  if (reason === undefined) return undefined;
  return {
    what: `${lack}, and upstream's downloads cannot replace it: ${reason}`,
    remedy: `install Go ${requiredGo()} or newer (https://go.dev/dl) and put it on the PATH`,
  };
}

function goLack(): string | undefined {
  try {
    const version = execFileSync("go", ["env", "GOVERSION"], { encoding: "utf8" }).trim().replace(/^go/, "");
    return isOlderGo(version, requiredGo()) ? `Go is ${version}, too old for what the lab builds` : undefined;
  } catch {
    return "Go is missing, which Kubernetes, Pulumi and the rest are built with";
  }
}

function apt(): Missing | undefined {
  if (existsSync("/usr/bin/apt-get")) return undefined;
  return {
    what: "apt-get is missing: the machines' root file system is made of Debian packages",
    remedy: "use Debian 12 or newer, or Ubuntu 24.04 or newer",
  };
}

function memory(): Missing | undefined {
  const gib = totalmem() / 2 ** 30;
  if (gib >= MEMORY_GIB) return undefined;
  return { what: `${gib.toFixed(1)} GiB of memory`, remedy: `three nodes need ${MEMORY_GIB} GiB` };
}

function disk(folder: string, wanted: number): Missing | undefined {
  const { existing, free } = freeGib(folder);
  // What a filled cache holds already needs no room a second time.
  const held = existsSync(`${folder}/machine-images`) ? wanted - 1 : 0;
  if (free >= wanted - held) return undefined;
  return {
    what: `${free.toFixed(1)} GiB free at ${existing}`,
    remedy: `${folder} needs ${wanted} GiB: make room, or set DAYBREAK_CACHE to a folder on a larger disk`,
  };
}

function freeGib(folder: string): { existing: string; free: number } {
  let existing = folder;
  while (!existsSync(existing)) existing = existing.replace(/\/[^/]*$/, "") || "/";
  const { bavail, bsize } = statfsSync(existing);
  return { existing, free: (bavail * bsize) / 2 ** 30 };
}

function cgroups(): Missing | undefined {
  const remedy = "mount the cgroup file system (systemd does), with the cpu, memory and pids controllers";
  if (existsSync("/sys/fs/cgroup/cgroup.controllers")) {
    const controllers = readFileSync("/sys/fs/cgroup/cgroup.controllers", "utf8").trim().split(" ");
    const absent = ["cpu", "memory", "pids"].filter((name) => !controllers.includes(name));
    return absent.length === 0 ? undefined : { what: `no cgroup controller ${absent.join(", ")}`, remedy };
  }
  const absent = ["cpu", "memory", "pids"].filter((name) => !existsSync(`/sys/fs/cgroup/${name}/tasks`));
  return absent.length === 0 ? undefined : { what: `no cgroup hierarchy ${absent.join(", ")}`, remedy };
}

/** What the machines' disks, pod network and security groups need of the kernel, by its own configuration's names. */
const KERNEL_FEATURES = ["OVERLAY_FS", "BRIDGE_NETFILTER", "VXLAN", "NF_TABLES", "VETH"];

/** Where the kernel's configuration cannot be read, nothing is said: what is absent then shows at its first use. */
function kernelFeatures(): Missing[] {
  return KERNEL_FEATURES.filter((name) => !kernelMayHave(name)).map((name) => ({
    what: `the kernel was built without CONFIG_${name}`,
    remedy: "use a distribution's own kernel",
  }));
}

async function portTaken(address: string): Promise<Missing | undefined> {
  const [host = "127.0.0.1", port = "0"] = address.split(":");
  const free = await new Promise<boolean>((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ host, port: Number(port), exclusive: true }, () => server.close(() => resolve(true)));
  });
  if (free) return undefined;
  return { what: `${address} is taken`, remedy: `find its owner with: ss -ltnp 'sport = :${port}'` };
}

/** Makes the folder that holds the labs; called once the prerequisites are met. */
export function makeLabsFolder(): void {
  mkdirSync(LABS_DIR, { recursive: true, mode: 0o711 });
}
