import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import type { StepLog } from "../build/run";
import { TOOL_VERSIONS } from "../build/versions";
import { LANGUAGE_HOST } from "../plugins/version";
import { checksumIn, download, fetchText } from "./download";
import { part, type Part } from "./part";
import { upstreamUrl } from "./settings";

/** An archive of programs with its published checksum. */
interface Archive {
  name: string;
  version: string;
  /** Folder of the archive and of the list of checksums. */
  site: string;
  file: string;
  checksums: string;
  /** Programs by their path in the archive. */
  programs: Readonly<Record<string, string>>;
  /** Makes the first program print its version. */
  versionArguments: readonly string[];
}

function archivePart(archive: Archive): Part {
  const { name, version, site, checksums, programs } = archive;
  return part({
    name: `${name} ${version}`,
    sites: [upstreamUrl(`${site}/${checksums}`)],
    key: `${name.toLowerCase()}-${version}`,
    programs: Object.values(programs),
    fill: (directory, log) => unpack(archive, directory, log),
  });
}

async function unpack(archive: Archive, directory: string, log: StepLog): Promise<void> {
  const { site, file, checksums, programs, version, versionArguments } = archive;
  const checksum = checksumIn(await fetchText(`${site}/${checksums}`), file);
  const target = join(directory, file);
  await download(`${site}/${file}`, target, checksum);
  const bin = join(directory, "bin");
  mkdirSync(bin);
  const flat = ["--strip-components=1", "--no-same-owner"];
  await log.run("tar", [
    "--extract",
    "--gzip",
    "--file",
    target,
    "--directory",
    bin,
    ...flat,
    ...Object.keys(programs),
  ]);
  rmSync(target);
  await refuseOther(join(bin, Object.values(programs)[0] ?? ""), versionArguments, version, log);
}

/** Also finds a program that does not run on this machine, before anything relies on it. */
async function refuseOther(program: string, args: readonly string[], version: string, log: StepLog): Promise<void> {
  const said = (await log.run(program, args, { env: { PULUMI_SKIP_UPDATE_CHECK: "true" } })).trim();
  if (!said.includes(`v${version}`)) throw new Error(`${program} says that it is ${said}, not v${version}`);
}

/** The Pulumi CLI with its language host for Node. */
export function pulumiPart(): Part {
  const version = TOOL_VERSIONS.pulumi;
  return archivePart({
    name: "Pulumi",
    version,
    site: "https://get.pulumi.com/releases/sdk",
    file: `pulumi-v${version}-linux-x64.tar.gz`,
    checksums: `pulumi-${version}-checksums.txt`,
    programs: { "pulumi/pulumi": "pulumi", [`pulumi/${LANGUAGE_HOST}`]: LANGUAGE_HOST },
    versionArguments: ["version"],
  });
}

/** Helm. */
export function helmPart(): Part {
  const version = TOOL_VERSIONS.helm;
  const file = `helm-v${version}-linux-amd64.tar.gz`;
  return archivePart({
    name: "Helm",
    version,
    site: "https://get.helm.sh",
    file,
    checksums: `${file}.sha256sum`,
    programs: { "linux-amd64/helm": "helm" },
    versionArguments: ["version", "--short"],
  });
}
