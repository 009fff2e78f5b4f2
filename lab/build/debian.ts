import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";

import type { StepLog } from "./run";

/** One package source of this machine. */
export interface AptSource {
  uri: string;
  suite: string;
  component: string;
}

/** What `apt-get indextargets` is asked to print for each list of packages. */
const TARGET_FORMAT = "$(CREATED_BY)|$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)";

/** Distributions whose own archive a machine image can be made of. */
const DISTRIBUTIONS = ["Debian", "Ubuntu"];

/** The sources of the distribution's own archive among those that apt knows; others (vendors' repositories) are left out. */
export function parseSources(indexTargets: string): AptSource[] {
  const rows = indexTargets.split("\n").map((row) => row.split("|"));
  const seen = new Map<string, AptSource>();
  for (const [kind, origin = "", uri = "", suite = "", component = ""] of rows) {
    if (kind !== "Packages" || !DISTRIBUTIONS.includes(origin)) continue;
    seen.set(`${uri} ${suite} ${component}`, { uri, suite, component });
  }
  return [...seen.values()];
}

/** The lines of a `sources.list`. */
export function sourceLines(sources: readonly AptSource[]): string {
  return sources.map(({ uri, suite, component }) => `deb ${uri} ${suite} ${component}\n`).join("");
}

/**
 * This machine's package sources.
 *
 * @throws if apt knows no list of its distribution yet.
 */
export function machineSources(): AptSource[] {
  const sources = readSources();
  if (sources.length === 0)
    throw new Error("apt knows no package source of Debian or Ubuntu on this machine: run apt-get update and look why");
  return sources;
}

let known: AptSource[] = [];

/** apt takes half a second to answer, and is asked again only while it knows nothing. */
function readSources(): AptSource[] {
  if (known.length === 0)
    known = parseSources(execFileSync("apt-get", ["indextargets", "--format", TARGET_FORMAT], { encoding: "utf8" }));
  return known;
}

/** Settings of this machine's apt that reaching its sources may need: proxies, and what it thinks of old lists. */
export function transferSettings(): string[] {
  const wanted = /^Acquire::(http|https|Check-Valid-Until|Check-Date|Retries)\b/i;
  const dump = execFileSync("apt-config", ["dump"], { encoding: "utf8" });
  return dump.split("\n").filter((line) => wanted.test(line) && !line.endsWith('"";'));
}

/** What makes and runs a lab, as this distribution's packages. */
export const HOST_PACKAGES: readonly string[] = [
  "ethtool",
  "gcc",
  "gnupg",
  "iproute2",
  "iptables",
  "libc6-dev",
  "mmdebstrap",
  "nftables",
  "openssh-client",
  "procps",
  "systemd-container",
  "util-linux",
];

/** The packages among {@link HOST_PACKAGES} and some more that are not installed. */
export function missingHostPackages(more: readonly string[]): string[] {
  const wanted = [...HOST_PACKAGES, ...more];
  const format = "${Package} ${Status}\\n";
  // Ends with 1 when a name is unknown; what it knows of the others stands in its output all the same.
  const { stdout } = spawnSync("dpkg-query", ["-W", "-f", format, ...wanted], { encoding: "utf8" });
  const lines = stdout.split("\n");
  return wanted.filter((name) => !lines.includes(`${name} install ok installed`));
}

/** How long apt waits for another apt or dpkg on this machine, in seconds. */
const APT_LOCK_SECONDS = 120;

/** Whether this machine has the packages, and lists of where more come from. */
export function hostIsReady(more: readonly string[]): boolean {
  return missingHostPackages(more).length === 0 && readSources().length > 0;
}

/** Installs what {@link missingHostPackages} names, after fetching the lists of packages. */
export async function installHostPackages(more: readonly string[], log: StepLog): Promise<string[]> {
  const missing = missingHostPackages(more);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const lock = ["-o", `DPkg::Lock::Timeout=${APT_LOCK_SECONDS}`];
  await log.run("apt-get", [...lock, "update"], { env });
  if (missing.length > 0)
    await log.run("apt-get", [...lock, "install", "--yes", "--no-install-recommends", ...missing], { env });
  return missing;
}

/** Fetches packages of this machine's distribution into a folder, without installing them. */
export async function downloadPackages(names: readonly string[], folder: string, log: StepLog): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await log.run("apt-get", ["download", "-o", "APT::Sandbox::User=root", ...names], { cwd: folder });
}
