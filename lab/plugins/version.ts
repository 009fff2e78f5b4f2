import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The file that runs programs written for Node; the Pulumi CLI wants it beside itself. */
export const LANGUAGE_HOST = "pulumi-language-nodejs";

const PACKAGES = join(__dirname, "..", "..", "node_modules", "@pulumi");

/** Version of the npm package whose resources a plugin serves: the one that programs ask for. */
export function pluginVersion(name: string): string {
  return (JSON.parse(readFileSync(join(PACKAGES, name, "package.json"), "utf8")) as { version: string }).version;
}

/** The file that the Pulumi CLI starts. */
export function pluginExecutable(name: string): string {
  return `pulumi-resource-${name}`;
}

/** The plugin's folder below a `PULUMI_HOME`'s `plugins`. */
export function pluginFolder(name: string): string {
  return `resource-${name}-v${pluginVersion(name)}`;
}
