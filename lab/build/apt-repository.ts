import { createHash } from "node:crypto";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { hashOf, inCache, makeDirectory } from "../cache";
import type { Supply } from "../upstream/supply";
import { distributionPackages } from "./rootfs";
import { toolDirectory } from "./go-build";
import { buildPackage, NODE_DEBIAN_PACKAGES } from "./packages";
import type { StepLog } from "./run";
import { GO_TOOLS } from "./tools";
import { KUBERNETES_MINOR } from "./versions";

/** The folder that the mirror serves under `/apt`. */
export function aptDirectory(): string {
  return inCache("mirror", "apt");
}

/** The repository's place below the mirror's address, as on pkgs.k8s.io. */
export const APT_REPOSITORY_PATH = `core:/stable:/v${KUBERNETES_MINOR}/deb`;

/** What the repository is made of; it is rebuilt when this changes. */
export function aptRepositoryKey(rootfs: string, supply: Supply): string {
  const upstream = supply.packageFolder();
  const distribution = readdirSync(distributionPackages(rootfs)).sort();
  if (upstream !== undefined) return hashOf(readdirSync(upstream).sort(), distribution, APT_REPOSITORY_PATH);
  const tools = GO_TOOLS.filter(({ name }) => name === "kubernetes" || name === "cni").map(toolDirectory);
  return hashOf(NODE_DEBIAN_PACKAGES, tools, distribution, APT_REPOSITORY_PATH);
}

/** The key that the repository in the cache was built with. */
export function builtAptRepositoryKey(): string | undefined {
  try {
    return readFileSync(join(aptDirectory(), ".key"), "utf8");
  } catch {
    return undefined;
  }
}

/**
 * Puts the node's packages, upstream's or built here, with the distribution's that came with the root file system into
 * a flat repository that is signed with a key made for the occasion.
 */
export async function buildAptRepository(rootfs: string, supply: Supply, log: StepLog): Promise<void> {
  const key = aptRepositoryKey(rootfs, supply);
  const debs = distributionPackages(rootfs);
  const upstream = supply.packageFolder();
  await makeDirectory(aptDirectory(), async (directory) => {
    const folder = join(directory, APT_REPOSITORY_PATH);
    mkdirSync(folder, { recursive: true });
    for (const file of readdirSync(debs)) copyFileSync(join(debs, file), join(folder, plainName(file)));
    if (upstream !== undefined)
      for (const file of readdirSync(upstream)) copyFileSync(join(upstream, file), join(folder, file));
    else for (const wanted of NODE_DEBIAN_PACKAGES) await buildPackage(wanted, folder, log);
    await writeIndex(folder, log);
    await signRelease(folder, log);
    writeFileSync(join(directory, ".key"), key);
  });
}

/** apt writes an epoch's colon as `%3a`, which a server would take for a colon. */
function plainName(file: string): string {
  return file.replace(/%3a/gi, "-");
}

async function writeIndex(folder: string, log: StepLog): Promise<void> {
  const stanzas: string[] = [];
  for (const file of readdirSync(folder).sort()) {
    const control = await log.run("dpkg-deb", ["--field", join(folder, file)]);
    const content = readFileSync(join(folder, file));
    stanzas.push(packageStanza(control, `./${file}`, content));
  }
  const packages = `${stanzas.join("\n")}`;
  writeFileSync(join(folder, "Packages"), packages);
  writeFileSync(join(folder, "Packages.gz"), gzipSync(packages));
  const indexes = ["Packages", "Packages.gz"].map((name) => ({ name, content: readFileSync(join(folder, name)) }));
  writeFileSync(join(folder, "Release"), releaseFile(indexes, statSync(folder).mtime));
}

/** A package's entry in the list of packages. */
export function packageStanza(control: string, file: string, content: Buffer): string {
  const rows = [`Filename: ${file}`, `Size: ${content.length}`, `SHA256: ${sha256(content)}`];
  return `${control.trimEnd()}\n${rows.join("\n")}\n`;
}

/** The file that names the repository's lists with their hashes. */
export function releaseFile(indexes: readonly { name: string; content: Buffer }[], date: Date): string {
  const rows = indexes.map(({ name, content }) => ` ${sha256(content)} ${content.length} ${name}\n`);
  const suite = `v${KUBERNETES_MINOR}`;
  const fields = ["Origin: daybreak lab", "Label: daybreak lab", `Suite: ${suite}`, `Codename: ${suite}`];
  return `${[...fields, "Architectures: amd64", `Date: ${date.toUTCString()}`].join("\n")}\nSHA256:\n${rows.join("")}`;
}

function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

/** Signs the release file; the secret half of the key is gone afterwards. */
async function signRelease(folder: string, log: StepLog): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), "daybreak-gpg-"));
  const gpg = (...args: string[]): Promise<string> =>
    log.run("gpg", ["--homedir", home, "--batch", "--yes", "--pinentry-mode", "loopback", "--passphrase", "", ...args]);
  try {
    await gpg("--quick-generate-key", "daybreak lab packages", "rsa3072", "sign", "never");
    await gpg("--armor", "--output", join(folder, "Release.key"), "--export");
    await gpg("--clearsign", "--output", join(folder, "InRelease"), join(folder, "Release"));
    await gpg("--armor", "--output", join(folder, "Release.gpg"), "--detach-sign", join(folder, "Release"));
  } finally {
    await log.run("gpgconf", ["--homedir", home, "--kill", "all"]);
    rmSync(home, { recursive: true, force: true });
  }
}
