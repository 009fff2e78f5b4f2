import { spawn } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import type { Lab } from "./lab";

/** How long a process may take to leave after SIGTERM before it gets SIGKILL, in milliseconds. */
const GRACE_MS = 3000;

/** A process that outlives the command that started it: the mirror's servers, the loopback ports. */
export interface Background {
  /** Unique within the lab; names the pid file and the log. */
  name: string;
  file: string;
  args: string[];
}

/**
 * Starts the process detached, with its output in `<lab>/background/<name>.log`.
 *
 * Does nothing when the same command already runs. Another command under the same name is stopped first.
 */
export async function startBackground(lab: Lab, process_: Background): Promise<void> {
  const command = [process_.file, ...process_.args].join(" ");
  const known = read(lab, process_.name);
  if (known?.command === command && alive(known)) return;
  await stopBackground(lab, process_.name);
  mkdirSync(folder(lab), { recursive: true, mode: 0o700 });
  const log = openSync(logFile(lab, process_.name), "a", 0o600);
  const child = spawn(process_.file, process_.args, {
    detached: true,
    stdio: ["ignore", log, log],
    env: { ...process.env, DAYBREAK_LAB: lab.name },
  });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (cause) => reject(new Error(`${process_.file} could not be started`, { cause })));
  });
  child.unref();
  const record: Running = { pid: child.pid ?? 0, started: startTime(child.pid ?? 0), command };
  writeFileSync(pidFile(lab, process_.name), JSON.stringify(record), { mode: 0o600 });
}

/** Ends one background process, or all of the lab's; what has already ended is passed over. */
export async function stopBackground(lab: Lab, name?: string): Promise<void> {
  const names = name === undefined ? backgroundNames(lab) : [name];
  await Promise.all(names.map((each) => stopOne(lab, each)));
}

/** Names of the lab's background processes that run, by their pid files. */
export function runningBackground(lab: Lab): string[] {
  return backgroundNames(lab).filter((name) => {
    const record = read(lab, name);
    return record !== undefined && alive(record);
  });
}

/** Where a background process writes what it has to say. */
export function logFile(lab: Lab, name: string): string {
  return join(folder(lab), `${name}.log`);
}

interface Running {
  pid: number;
  /** Start time in clock ticks since boot: a pid alone may by now belong to somebody else. */
  started: string;
  command: string;
}

async function stopOne(lab: Lab, name: string): Promise<void> {
  const record = read(lab, name);
  if (record !== undefined && alive(record)) {
    process.kill(record.pid, "SIGTERM");
    const end = Date.now() + GRACE_MS;
    while (alive(record) && Date.now() < end) await delay(50);
    if (alive(record)) process.kill(record.pid, "SIGKILL");
  }
  rmSync(pidFile(lab, name), { force: true });
}

function folder(lab: Lab): string {
  return join(lab.dir, "background");
}

function pidFile(lab: Lab, name: string): string {
  return join(folder(lab), `${name}.pid`);
}

function backgroundNames(lab: Lab): string[] {
  if (!existsSync(folder(lab))) return [];
  return readdirSync(folder(lab))
    .filter((file) => file.endsWith(".pid"))
    .map((file) => file.slice(0, -".pid".length));
}

function read(lab: Lab, name: string): Running | undefined {
  const file = pidFile(lab, name);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Running) : undefined;
}

function alive(record: Running): boolean {
  return record.pid > 0 && startTime(record.pid) === record.started && record.started !== "";
}

/** The 22nd field of /proc/PID/stat; empty when there is no such process or it is a zombie. */
function startTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? "" : (fields[19] ?? "");
  } catch {
    return "";
  }
}
