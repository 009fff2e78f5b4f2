import { existsSync, readdirSync } from "node:fs";

import { CommandError, run } from "./command";

const folder = "/run/netns";

/** Names of all network namespaces that have one. */
export function namespaces(): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** The file by which a namespace is entered. */
export function namespacePath(name: string): string {
  return `${folder}/${name}`;
}

/**
 * Makes a namespace that forwards packets without having an opinion on their paths; nothing happens if it is there.
 *
 * @returns whether it was made now.
 */
export async function ensureNamespace(name: string): Promise<boolean> {
  if (namespaces().includes(name)) return false;
  await run("ip", ["netns", "add", name]);
  await inNamespace(name, "sh", [
    "-euc",
    `cd /proc/sys/net/ipv4
     echo 1 > ip_forward
     for setting in conf/all conf/default; do
       echo 0 > $setting/rp_filter
       echo 0 > $setting/send_redirects
       echo 0 > $setting/accept_redirects
     done
     ip link set lo up`,
  ]);
  return true;
}

/** Removes a namespace and every device in it; nothing happens if it is gone. */
export async function removeNamespace(name: string): Promise<void> {
  if (!namespaces().includes(name)) return;
  try {
    await run("ip", ["netns", "delete", name]);
  } catch (error) {
    // Somebody else may have removed it meanwhile.
    if (!(error instanceof CommandError) || namespaces().includes(name)) throw error;
  }
}

/** Runs a command inside a namespace. */
export async function inNamespace(
  name: string,
  file: string,
  args: readonly string[],
  input?: string,
): Promise<string> {
  return run("nsenter", [`--net=${namespacePath(name)}`, "--", file, ...args], input);
}

/** Runs `ip` commands inside a namespace, one a line. */
export async function ipBatch(name: string, lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return;
  await run("ip", ["-netns", name, "-batch", "-"], lines.join("\n") + "\n");
}
