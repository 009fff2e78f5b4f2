import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The node scripts of `infra/bootstrap/`; each defines the function of the same name (control-plane: control_plane). */
export type Part = "prepare" | "control-plane" | "worker" | "ready";

const DIRECTORY = join(__dirname, "bootstrap");

const read = (name: string): string => readFileSync(join(DIRECTORY, `${name}.sh`), "utf8");

/** A text as one word of bash, whatever is in it. */
export function quote(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

/** The part of a script that is the same for every node and every stack. */
function body(parts: readonly Part[]): string {
  const calls = ["begin", ...parts.map((part) => part.replace("-", "_"))];
  // Called in one line at the end: a script of which only a part arrives does nothing at all.
  return [read("steps"), ...parts.map(read), `${calls.join("; ")}\n`].join("\n");
}

/** Hash of the scripts' text: when it changes they run again, and converge. */
export function contentHash(parts: readonly Part[]): string {
  return createHash("sha256").update(body(parts)).digest("hex").slice(0, 16);
}

/**
 * A script for `bash -s`: quoted assignments, then the parts, then one line that runs them in order.
 * The variables stay in the shell: neither the process list nor any child's environment shows them.
 */
export function remoteScript(parts: readonly Part[], variables: Readonly<Record<string, string>>): string {
  const assignments = Object.entries(variables).map(([name, value]) => `${name}=${quote(value)}\n`);
  return [...assignments, "\n", body(parts)].join("");
}
