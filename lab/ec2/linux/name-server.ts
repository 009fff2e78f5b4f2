import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";

import { type LabDescription, NAME_SERVER } from "../lab-description";
import type { Vpc } from "../model/state";
import { nameServerOf } from "../model/vpc";
import { routerNamespace } from "../network/names";
import { run } from "./command";
import { namespacePath } from "./namespace";
import { endProcesses, readProcessFile } from "./process";

/** Starts the name server of a VPC in its router, unless it runs or the VPC has none. It ends with its router. */
export async function ensureNameServer(lab: LabDescription, vpc: Vpc): Promise<void> {
  const namespace = routerNamespace(lab.name, vpc.id);
  if (!vpc.dnsSupport || (await processesOf(namespace)).some(isNameServer)) return;
  const log = openSync(join(lab.dir, "ec2", `name-server-${vpc.id}.log`), "a", 0o600);
  const program = [process.execPath, join(lab.cacheDir, "bin", NAME_SERVER), nameServerOf(vpc.cidr)];
  const child = spawn("nsenter", [`--net=${namespacePath(namespace)}`, "--", ...program], {
    cwd: "/",
    detached: true,
    stdio: ["ignore", log, log],
    env: { PATH: process.env.PATH ?? "/usr/sbin:/usr/bin:/sbin:/bin", DAYBREAK_LAB: lab.name },
  });
  child.on("error", () => {});
  child.unref();
  closeSync(log);
}

/** Ends what runs in a router, so that its network goes with its name. */
export async function endNameServer(namespace: string): Promise<void> {
  const pids = await processesOf(namespace);
  await endProcesses(() => pids.filter(isNameServer), namespace);
}

async function processesOf(namespace: string): Promise<number[]> {
  const output = await run("ip", ["netns", "pids", namespace]);
  return output.split("\n").filter(Boolean).map(Number);
}

function isNameServer(pid: number): boolean {
  return readProcessFile(pid, "cmdline").includes(`/${NAME_SERVER}\0`);
}
