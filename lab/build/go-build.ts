import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { basename, join, relative } from "node:path";

import { hashOf, hashOfPath, inCache, makeDirectory } from "../cache";
import type { StepLog } from "./run";
import { GO_TOOLS, goBuildArguments, type GoCommand, type GoModule, type GoTool } from "./tools";

/** The wrapper modules: they pin what is built, and `go.sum` its content. */
const WRAPPERS = join(__dirname, "go");

/** The directory that holds a tool's binaries, named after its version and what it is built from. */
export function toolDirectory(tool: GoTool): string {
  const key = hashOf(tool, hashOfPath(join(WRAPPERS, tool.module)));
  return inCache("tools", `${tool.name}-${tool.version}-${key.slice(0, 12)}`);
}

/** A binary of a tool, built or not. */
export function toolBinary(tool: GoTool, binary: string): string {
  return join(toolDirectory(tool), binary);
}

/** Go's environment: modules and compiled packages live in the cache, and nothing fetches another Go. */
export function goEnvironment(cgo = false): Record<string, string> {
  return {
    GOMODCACHE: inCache("go", "mod"),
    GOCACHE: inCache("go", "build"),
    GOFLAGS: "-modcacherw",
    GOTOOLCHAIN: "local",
    GOWORK: "off",
    CGO_ENABLED: cgo ? "1" : "0",
  };
}

/** The oldest Go that all of the wrapper modules can be built with, such as `1.26.4`. */
export function requiredGo(): string {
  const versions = GO_TOOLS.map(({ module }) => {
    const [, version] = /^go (\S+)$/m.exec(readFileSync(join(WRAPPERS, module, "go.mod"), "utf8")) ?? [];
    if (version === undefined) throw new Error(`lab/build/go/${module}/go.mod does not say which Go it needs`);
    return version;
  });
  return versions.reduce((oldest, version) => (isOlderGo(oldest, version) ? version : oldest));
}

/** Whether a version of Go is older than another: `1.9.7` than `1.10`. */
export function isOlderGo(version: string, than: string): boolean {
  return version.localeCompare(than, "en", { numeric: true }) < 0;
}

/** Builds a tool's binaries, stripped, into {@link toolDirectory}. */
export async function buildGoTool(tool: GoTool, log: StepLog): Promise<void> {
  await makeDirectory(toolDirectory(tool), async (directory) => {
    const workspace = join(directory, "workspace");
    cpSync(join(WRAPPERS, tool.module), workspace, { recursive: true });
    if (tool.overlay) await layOverModules(workspace, log);
    for (const commands of alike(tool.commands)) await buildCommands(tool, commands, workspace, log);
    rmSync(workspace, { recursive: true });
    for (const { binary } of tool.commands) renameSync(join(directory, `built-${binary}`), join(directory, binary));
  });
}

async function buildCommands(tool: GoTool, commands: GoCommand[], workspace: string, log: StepLog): Promise<void> {
  const output = join(workspace, "bin");
  mkdirSync(output, { recursive: true });
  const options = { cwd: workspace, env: goEnvironment(tool.cgo) };
  if (commands.length === 1 && commands[0]) {
    const target = join(workspace, "..", `built-${commands[0].binary}`);
    await log.run("go", goBuildArguments(tool, commands, target), options);
    return;
  }
  await log.run("go", goBuildArguments(tool, commands, `${output}/`), options);
  for (const { binary, package: path } of commands)
    renameSync(join(output, basename(path)), join(workspace, "..", `built-${binary}`));
}

/** Commands that share their link-time variables are built by one run of Go. */
function alike(commands: readonly GoCommand[]): GoCommand[][] {
  const groups = new Map<string, GoCommand[]>();
  for (const command of commands) {
    const key = JSON.stringify(command.variables ?? {});
    groups.set(key, [...(groups.get(key) ?? []), command]);
  }
  return [...groups.values()];
}

/**
 * Completes modules that are published without generated files they embed: every folder `overlay/<module path>` that
 * holds a `module` file is laid over a copy of that module, which then replaces it.
 */
async function layOverModules(workspace: string, log: StepLog): Promise<void> {
  const overlay = join(workspace, "overlay");
  for (const marker of readdirSync(overlay, { recursive: true, encoding: "utf8" })) {
    if (basename(marker) !== "overlay.txt") continue;
    const folder = join(overlay, marker, "..");
    const path = relative(overlay, folder);
    const copy = join(workspace, "modules", path);
    cpSync(await moduleDirectory(workspace, path, log), copy, { recursive: true });
    cpSync(folder, copy, { recursive: true });
    await log.run("go", ["mod", "edit", `-replace=${path}=${copy}`], { cwd: workspace, env: goEnvironment() });
  }
}

/** Where Go keeps the source of a module that the wrapper in `workspace` requires; downloads it if need be. */
async function moduleDirectory(workspace: string, module: string, log: StepLog): Promise<string> {
  const options = { cwd: workspace, env: goEnvironment() };
  await log.run("go", ["mod", "download", module], options);
  return (await log.run("go", ["list", "-m", "-f", "{{.Dir}}", module], options)).trim();
}

/** Where Go keeps the source of a module that the wrapper `lab/build/go/<wrapper>` requires. */
export function sourceOf(wrapper: GoModule, module: string, log: StepLog): Promise<string> {
  return moduleDirectory(join(WRAPPERS, wrapper), module, log);
}

/** Links a program that also runs on this machine into the cache's `bin`. */
export function linkProgram(file: string, name: string): void {
  const bin = inCache("bin");
  mkdirSync(bin, { recursive: true });
  const link = join(bin, `.${name}.${process.pid}`);
  rmSync(link, { force: true });
  symlinkSync(relative(bin, file), link);
  renameSync(link, join(bin, name));
}
