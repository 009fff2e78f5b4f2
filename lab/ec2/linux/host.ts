import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";

import { withLock } from "../lock";
import { run } from "./command";

/** Kernel features that may be modules; on a kernel with everything built in, loading them does nothing. */
const modules = ["overlay", "br_netfilter", "vxlan", "nf_conntrack", "nf_tables", "nft_chain_nat", "veth"];

/** What the machines need of this machine's own settings, at least. */
const minimums: Readonly<Record<string, number>> = {
  // Three machines with systemd, kubelet, containerd and their pods use far more than the default of 128.
  "fs/inotify/max_user_instances": 8192,
  "fs/inotify/max_user_watches": 524288,
  // kube-proxy wants 32768 a core, at least this, and cannot write it from a machine's namespace.
  "net/netfilter/nf_conntrack_max": Math.max(131072, 32768 * cpus().length),
  // Prometheus maps many files.
  "vm/max_map_count": 262144,
};

/**
 * What machines write although it belongs to all of them: the kubelet (kernel.panic …, vm.overcommit_memory, keys) and
 * the sysctl.d files of Debian's and Ubuntu's packages. Kept to be set back.
 */
const writtenByMachines = [
  "fs/file-max",
  "fs/nr_open",
  "fs/protected_fifos",
  "fs/protected_hardlinks",
  "fs/protected_regular",
  "fs/protected_symlinks",
  "kernel/core_pattern",
  "kernel/keys/root_maxbytes",
  "kernel/keys/root_maxkeys",
  "kernel/kptr_restrict",
  "kernel/panic",
  "kernel/panic_on_oops",
  "kernel/pid_max",
  "kernel/printk",
  "kernel/sysrq",
  "vm/mmap_min_addr",
  "vm/overcommit_memory",
  "vm/panic_on_oom",
];

/** Shared by all labs: who uses this machine's settings, and what they were before the first one came. */
interface HostRecord {
  labs: string[];
  before: Record<string, string>;
}

const folder = "/var/lib/daybreak";
const recordFile = `${folder}/host.json`;
const lockFile = `${folder}/host.lock`;

/** Loads kernel modules and raises settings for the lab; remembers what they were. */
export async function prepareHost(lab: string): Promise<void> {
  await withLock(lockFile, async () => {
    await loadModules();
    const record = readRecord() ?? { labs: [], before: readSettings() };
    if (!record.labs.includes(lab)) record.labs.push(lab);
    writeRecord(record);
    for (const [name, least] of Object.entries(minimums)) raise(name, least);
  });
}

/** Sets everything back as it was, if no other lab needs it any more. */
export async function restoreHost(lab: string): Promise<void> {
  if (!existsSync(recordFile)) return;
  await withLock(lockFile, async () => {
    const record = readRecord();
    if (record === undefined) return;
    record.labs = record.labs.filter((name) => name !== lab);
    if (record.labs.length > 0) return writeRecord(record);
    for (const [name, value] of Object.entries(record.before)) writeSetting(name, value);
    rmSync(recordFile, { force: true });
  });
}

/** Whether the lab still holds on to this machine's settings. */
export function holdsHost(lab: string): boolean {
  return readRecord()?.labs.includes(lab) ?? false;
}

async function loadModules(): Promise<void> {
  if (!existsSync("/proc/modules")) return;
  try {
    await run("modprobe", ["--all", "--quiet", ...modules]);
  } catch {
    // One name that this kernel doesn't know fails the whole call; what is really missing shows when it is used.
    for (const name of modules) await run("modprobe", ["--quiet", name]).catch(() => {});
  }
}

function readRecord(): HostRecord | undefined {
  return existsSync(recordFile) ? (JSON.parse(readFileSync(recordFile, "utf8")) as HostRecord) : undefined;
}

function writeRecord(record: HostRecord): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${recordFile}.draft`, JSON.stringify(record, undefined, 2), { mode: 0o600 });
  renameSync(`${recordFile}.draft`, recordFile);
}

function readSettings(): Record<string, string> {
  const names = [...Object.keys(minimums), ...writtenByMachines];
  const entries = names.map((name) => [name, readSetting(name)] as const);
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/**
 * Settings below net/ belong to the namespace of whoever asks. Those here are the machine's own, which only a process
 * in the machine's own namespace may write; the lab's commands that call this run there.
 */
function readSetting(name: string): string | undefined {
  const file = `/proc/sys/${name}`;
  return existsSync(file) ? readFileSync(file, "utf8").trim() : undefined;
}

function raise(name: string, least: number): void {
  const present = readSetting(name);
  if (present !== undefined && Number(present) < least) writeSetting(name, String(least));
}

function writeSetting(name: string, value: string): void {
  try {
    if (readSetting(name) !== value) writeFileSync(`/proc/sys/${name}`, value);
  } catch (cause) {
    throw new Error(`/proc/sys/${name} could not be set to ${value}; are you root in the machine's own network?`, {
      cause,
    });
  }
}
