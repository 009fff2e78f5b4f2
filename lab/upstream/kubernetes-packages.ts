import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

import { KUBERNETES_PACKAGES } from "../../config/versions";
import type { StepLog } from "../build/run";
import { KUBERNETES_MINOR, KUBERNETES_VERSION } from "../build/versions";
import { checksumIn, download, fetchText } from "./download";
import { part, type Part } from "./part";
import { upstreamUrl } from "./settings";

/** Packages by name; the version of the first three is the cluster's, of the others the newest of the repository. */
const PACKAGES: Readonly<Record<string, string | undefined>> = {
  kubelet: KUBERNETES_VERSION,
  kubeadm: KUBERNETES_VERSION,
  kubectl: KUBERNETES_VERSION,
  "cri-tools": undefined,
  "kubernetes-cni": undefined,
};

const REPOSITORY = `${KUBERNETES_PACKAGES.site}/core:/stable:/v${KUBERNETES_MINOR}/deb`;

/** A package as the repository's list names it. */
export interface ListedPackage {
  name: string;
  version: string;
  /** Path below the repository. */
  file: string;
  sha256: string;
}

/** The packages of a node as Kubernetes' own repository has them, and kubectl for this machine. */
export function kubernetesPackagesPart(): Part {
  return part({
    name: `Kubernetes' packages ${KUBERNETES_VERSION}`,
    sites: [upstreamUrl(`${REPOSITORY}/InRelease`)],
    key: `kubernetes-packages-${KUBERNETES_VERSION}`,
    programs: ["kubectl"],
    fill: fetchPackages,
  });
}

/** The folder of the packages in the part's directory. */
export function packageFolder(directory: string): string {
  return join(directory, "debs");
}

async function fetchPackages(directory: string, log: StepLog): Promise<void> {
  const debs = packageFolder(directory);
  mkdirSync(debs);
  const list = parseList(await verifiedList(log));
  for (const [name, version] of Object.entries(PACKAGES)) {
    const { file, sha256 } = await choose(list, name, version, log);
    await download(`${REPOSITORY}/${file}`, join(debs, basename(file)), sha256);
    if (name === "kubectl") await takeKubectl(join(debs, basename(file)), directory, log);
  }
}

/** The list of packages, by way of the release file's signature, which must be by the key that config/versions.ts names. */
async function verifiedList(log: StepLog): Promise<string> {
  const [key, release, list] = await Promise.all(
    ["Release.key", "InRelease", "Packages"].map((file) => fetchText(`${REPOSITORY}/${file}`)),
  );
  const home = mkdtempSync(join(tmpdir(), "daybreak-gpg-"));
  try {
    const signed = await signedText(key ?? "", release ?? "", home, log);
    const file = join(home, "Packages");
    writeFileSync(file, list ?? "");
    await refuseChanged(file, signed, log);
    return list ?? "";
  } finally {
    await log.run("gpgconf", ["--homedir", home, "--kill", "all"]);
    rmSync(home, { recursive: true, force: true });
  }
}

async function signedText(key: string, release: string, home: string, log: StepLog): Promise<string> {
  const gpg = (args: string[], input: string): Promise<string> =>
    log.run("gpg", ["--homedir", home, "--batch", "--no-tty", "--status-fd", "1", ...args], { input });
  await gpg(["--import"], key);
  const output = join(home, "Release");
  const status = await gpg(["--output", output, "--decrypt"], release).catch((error: unknown) => {
    throw new Error("the repository's signature does not hold", { cause: error });
  });
  const by = /^\[GNUPG:\] VALIDSIG .* ([0-9A-F]{40})$/m.exec(status)?.[1];
  if (by !== KUBERNETES_PACKAGES.keyFingerprint)
    throw new Error(`the repository is signed by the key ${by ?? "(none)"}, not ${KUBERNETES_PACKAGES.keyFingerprint}`);
  return readFileSync(output, "utf8");
}

async function refuseChanged(file: string, release: string, log: StepLog): Promise<void> {
  const published = /^SHA256:\n((?: .*\n?)+)/m.exec(release)?.[1] ?? "";
  const rows = published.split("\n").map((row) => row.trim().split(/\s+/));
  const expected = checksumIn(rows.map(([sum = "", , name = ""]) => `${sum}  ${name}`).join("\n"), basename(file));
  const found = (await log.run("sha256sum", [file])).split(" ")[0];
  if (found !== expected)
    throw new Error("the repository's list of packages is not the one that its release file names");
}

/** The packages for this architecture in a repository's `Packages`. */
export function parseList(list: string): ListedPackage[] {
  const stanzas = list.split(/\n{2,}/).map((stanza) => {
    const fields = [...stanza.matchAll(/^([A-Za-z0-9-]+): (.*)$/gm)].map(([, name = "", value = ""]) => [name, value]);
    return Object.fromEntries(fields) as Record<string, string>;
  });
  return stanzas
    .filter(({ Architecture, Package }) => Package !== undefined && ["amd64", "all"].includes(Architecture ?? ""))
    .map(({ Package = "", Version = "", Filename = "", SHA256 = "" }) => ({
      name: Package,
      version: Version,
      file: Filename.replace(/^\.\//, ""),
      sha256: SHA256,
    }));
}

/** The newest package of that name, of the version if there is one to keep to. */
async function choose(
  list: readonly ListedPackage[],
  name: string,
  version: string | undefined,
  log: StepLog,
): Promise<ListedPackage> {
  let newest: ListedPackage | undefined;
  for (const found of list) {
    const fits = found.name === name && (version === undefined || found.version.startsWith(`${version}-`));
    if (fits && (newest === undefined || (await isNewer(found, newest, log)))) newest = found;
  }
  if (newest === undefined) throw new Error(`${REPOSITORY} has no ${name} ${version ?? ""}`.trimEnd());
  return newest;
}

async function isNewer(one: ListedPackage, other: ListedPackage, log: StepLog): Promise<boolean> {
  const script = 'if dpkg --compare-versions "$1" gt "$2"; then echo newer; fi';
  return (await log.run("sh", ["-c", script, "sh", one.version, other.version])).trim() === "newer";
}

async function takeKubectl(deb: string, directory: string, log: StepLog): Promise<void> {
  const tree = join(directory, "kubectl");
  await log.run("dpkg-deb", ["--extract", deb, tree]);
  mkdirSync(join(directory, "bin"));
  renameSync(join(tree, "usr", "bin", "kubectl"), join(directory, "bin", "kubectl"));
  rmSync(tree, { recursive: true });
}
