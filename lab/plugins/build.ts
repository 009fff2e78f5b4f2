/** Bundles the lab's plugins, with the name server that one of them starts, and installs them where the CLI looks. */
import { build, type BuildOptions } from "esbuild";
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { dirname, join } from "node:path";

import { hashOf, inCache, makeDirectory } from "../cache";
import { NAME_SERVER } from "../ec2/lab-description";
import { LANGUAGE_HOST, pluginExecutable, pluginFolder } from "./version";

/** The packages that the lab can serve; one whose folder has no main.ts is left out. */
export const RESOURCE_PLUGINS = ["aws", "command", "kubernetes", "random", "tls"] as const;

const PROJECT_DIR = join(__dirname, "..", "..");

/** A program of one file that the Pulumi CLI starts, or a plugin. */
interface Plugin {
  /** Name in the result of `buildPlugins`. */
  name: string;
  /** Source of its main program. */
  entry: string;
  executable: string;
}

function plugins(): Plugin[] {
  const resources: Plugin[] = RESOURCE_PLUGINS.map((name) => ({
    name,
    entry: join(__dirname, name, "main.ts"),
    executable: pluginExecutable(name),
  }));
  const language = { name: "language", entry: join(__dirname, "language", "main.ts"), executable: LANGUAGE_HOST };
  const nameServer = {
    name: "name-server",
    entry: join(__dirname, "..", "ec2", "name-server.ts"),
    executable: NAME_SERVER,
  };
  return [...resources, language, nameServer].filter(({ entry }) => existsSync(entry));
}

/**
 * Bundles every plugin into one executable file, unless the cache has just that one, and links the language host and
 * the name server into the cache's `bin`.
 *
 * @returns the folder of each by name: `random`, `tls`, …, `language` and `name-server`.
 */
export async function buildPlugins(): Promise<Record<string, string>> {
  const key = hashOfSources();
  const build = async (plugin: Plugin) => [plugin.name, await buildPlugin(plugin, key)] as const;
  const built = await Promise.all(plugins().map(build));
  const folders = Object.fromEntries(built);
  if (folders.language) placeLanguageHost(join(folders.language, LANGUAGE_HOST));
  link(join(folders["name-server"] ?? "", NAME_SERVER), inCache("bin", NAME_SERVER));
  return folders;
}

/**
 * Puts the language host on the PATH. The CLI warns of one that doesn't lie beside its own program file, so it gets a
 * second name there. Pulumi's own CLI has brought one along.
 */
function placeLanguageHost(host: string): void {
  const cli = inCache("bin", "pulumi");
  if (existsSync(cli) && realpathSync(cli).startsWith(join(realpathSync(inCache()), "upstream"))) return;
  const beside = existsSync(cli) ? join(dirname(realpathSync(cli)), LANGUAGE_HOST) : host;
  if (beside !== host) place(beside, (fresh) => linkSync(host, fresh));
  link(beside, inCache("bin", LANGUAGE_HOST));
}

async function buildPlugin(plugin: Plugin, key: string): Promise<string> {
  const folder = inCache("plugins", `${plugin.name}-${key}`);
  if (existsSync(join(folder, plugin.executable))) return folder;
  await makeDirectory(folder, async (unfinished) => {
    const file = join(unfinished, plugin.executable);
    await bundle(plugin.entry, file);
    chmodSync(file, 0o755);
  });
  return folder;
}

/** Everything that a bundle can be made of: the lab's sources, the configuration's, and the installed packages. */
function hashOfSources(): string {
  const files = ["lab", "config"].flatMap((folder) =>
    readdirSync(join(PROJECT_DIR, folder), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .sort()
      .map((file) => join(folder, file)),
  );
  const contents = ["package-lock.json", ...files].map((file) => [file, readFileSync(join(PROJECT_DIR, file), "utf8")]);
  return hashOf(contents);
}

/** Takes about 0.3 s. */
async function bundle(entry: string, outfile: string): Promise<void> {
  const options: BuildOptions = {
    entryPoints: [entry],
    absWorkingDir: PROJECT_DIR,
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    banner: { js: "#!/usr/bin/env node" },
    // Optional accelerators of ssh2 that are compiled at installation; it does without.
    external: ["cpu-features", "*.node"],
    logLevel: "silent",
    legalComments: "none",
  };
  await build(options);
}

function link(target: string, name: string): void {
  place(name, (fresh) => symlinkSync(target, fresh));
}

/** Makes a file under a neighbour's name and moves it over what is there, so that nobody sees it missing. */
function place(name: string, make: (fresh: string) => void): void {
  mkdirSync(dirname(name), { recursive: true });
  const fresh = `${name}.${process.pid}`;
  rmSync(fresh, { force: true });
  make(fresh);
  renameSync(fresh, name);
  // A rename of one hard link over another of the same file leaves both.
  rmSync(fresh, { force: true });
}

/**
 * Installs the resource plugins into a `PULUMI_HOME`, laid out as `pulumi plugin install --file` does, so that the CLI
 * finds them under the versions of the npm packages and downloads nothing. Replaces plugins of an earlier build.
 *
 * @param upstream names the executable of Pulumi's own plugin where it is used instead of the lab's.
 */
export async function installPlugins(
  pulumiHome: string,
  upstream: (name: string) => string | undefined = () => undefined,
): Promise<void> {
  const folders = await buildPlugins();
  for (const name of RESOURCE_PLUGINS) {
    const folder = folders[name];
    if (!folder) continue;
    const installed = join(pulumiHome, "plugins", pluginFolder(name));
    mkdirSync(installed, { recursive: true });
    // A link, so that a new build is one rename and the running plugin keeps its file.
    link(upstream(name) ?? join(folder, pluginExecutable(name)), join(installed, pluginExecutable(name)));
  }
}
