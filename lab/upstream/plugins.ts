import { mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";

import { inCache } from "../cache";
import { pluginExecutable, pluginFolder, pluginVersion } from "../plugins/version";
import type { StepLog } from "../build/run";
import { checksumIn, download, fetchText } from "./download";
import { part, type Part } from "./part";
import { upstreamUrl } from "./settings";

/** The plugins that upstream's own can replace. Not aws: it would need an account. */
const PLUGINS = ["command", "kubernetes", "random", "tls"] as const;

/** The name of a plugin's part. */
export function pluginPartName(name: string): string {
  return `Pulumi's plugin ${name} ${pluginVersion(name)}`;
}

/** Pulumi's own resource plugins, in the versions of the npm packages; each is a part by itself. */
export function pluginParts(): Part[] {
  return PLUGINS.map((name) => {
    const version = pluginVersion(name);
    const site = `https://github.com/pulumi/pulumi-${name}/releases/download/v${version}`;
    const checksums = `${site}/pulumi-${name}_${version}_checksums.txt`;
    return part({
      name: pluginPartName(name),
      sites: [upstreamUrl(checksums)],
      needs: ["pulumi"],
      key: `pulumi-resource-${name}-${version}`,
      programs: [pluginExecutable(name)],
      fill: (directory, log) => install(name, site, checksums, directory, log),
    });
  });
}

/**
 * Fetches the archive here, because the list has SHA-1 for some plugins and the CLI checks against SHA-256 only, and has
 * the CLI install it.
 */
async function install(name: string, site: string, checksums: string, directory: string, log: StepLog): Promise<void> {
  const version = pluginVersion(name);
  const file = `pulumi-resource-${name}-v${version}-linux-amd64.tar.gz`;
  const archive = join(directory, file);
  await download(`${site}/${file}`, archive, checksumIn(await fetchText(checksums), file));
  const home = join(directory, "home");
  const env = { PULUMI_HOME: home, PULUMI_SKIP_UPDATE_CHECK: "true" };
  const args = ["plugin", "install", "resource", name, version, "--file", archive, "--non-interactive"];
  await log.run(inCache("bin", "pulumi"), args, { env });
  mkdirSync(join(directory, "bin"));
  const installed = join(home, "plugins", pluginFolder(name), pluginExecutable(name));
  renameSync(installed, join(directory, "bin", pluginExecutable(name)));
  await log.run("rm", ["-r", archive, home]);
}
