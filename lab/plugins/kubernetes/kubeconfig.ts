/** The kubeconfig of a provider: where it comes from, which cluster it means, and a private copy of it for Helm. */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { isRunning } from "../../process";

/** What of a provider's configuration decides about the cluster. */
export interface KubeconfigSource {
  /** Text or path of a kubeconfig; default: `$KUBECONFIG`, then `~/.kube/config`. */
  kubeconfig?: string | undefined;
  /** Context to use instead of the current one. */
  context?: string | undefined;
  /** Cluster to use instead of the context's. */
  cluster?: string | undefined;
}

/** Reads a kubeconfig; throws an error that says which key to set when there is none or it names no cluster. */
export function loadKubeconfig(source: KubeconfigSource): KubeConfig {
  const config = new KubeConfig();
  const text = kubeconfigText(source.kubeconfig);
  try {
    config.loadFromString(text);
  } catch (error) {
    // The parser's own message may quote lines of the file, which holds keys.
    throw new Error(`the kubeconfig cannot be read: ${error instanceof SyntaxError ? "bad syntax" : "no valid YAML"}`);
  }
  if (source.context) {
    if (!config.getContextObject(source.context)) {
      const known = config.getContexts().map(({ name }) => name);
      throw new Error(`the kubeconfig has no context ${source.context}; it has: ${known.join(", ") || "none"}`);
    }
    config.setCurrentContext(source.context);
  }
  if (source.cluster) overrideCluster(config, source.cluster);
  if (!config.getCurrentCluster()) throw new Error("the kubeconfig's current context names no cluster");
  return config;
}

function overrideCluster(config: KubeConfig, name: string): void {
  const known = config.getClusters().map((cluster) => cluster.name);
  if (!known.includes(name)) {
    throw new Error(`the kubeconfig has no cluster ${name}; it has: ${known.join(", ") || "none"}`);
  }
  const current = config.getContextObject(config.getCurrentContext());
  config.contexts = config.contexts.map((context) => (context === current ? { ...context, cluster: name } : context));
}

function kubeconfigText(value: string | undefined): string {
  if (value && /[\n{]/.test(value)) return value;
  const paths = value ? [value] : (process.env.KUBECONFIG ?? join(homedir(), ".kube", "config")).split(":");
  for (const path of paths.filter(Boolean)) {
    try {
      return readFileSync(path.replace(/^~(?=\/)/, homedir()), "utf8");
    } catch {
      continue;
    }
  }
  throw new Error(`no kubeconfig at ${paths.join(", ")}; set the provider's kubeconfig to its text or its path`);
}

/**
 * What tells one cluster from another in a kubeconfig: server, CA and the like of the active cluster, without users.
 * Undefined when the text can't be read or is a path that isn't there (so it says nothing about a change).
 */
export function clusterIdentity(source: KubeconfigSource): string | undefined {
  try {
    const cluster = loadKubeconfig(source).getCurrentCluster();
    return cluster ? JSON.stringify({ ...cluster, name: "" }) : undefined;
  } catch {
    return undefined;
  }
}

/** Name of a private directory, with the process that uses it. */
const PRIVATE = /^daybreak-helm-(\d+)-/;

/**
 * Writes the kubeconfig (without one: an empty file) to a file only this user can read, in a directory of its own.
 * `remove` deletes both; what a killed process left is deleted here.
 */
export function writeKubeconfig(config: KubeConfig | undefined): {
  directory: string;
  path: string;
  remove: () => void;
} {
  sweep();
  // mkdtemp makes it for its owner only.
  const directory = mkdtempSync(join(tmpdir(), `daybreak-helm-${process.pid}-`));
  const path = join(directory, "kubeconfig");
  writeFileSync(path, config?.exportConfig() ?? "", { mode: 0o600 });
  return { directory, path, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

function sweep(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = Number(PRIVATE.exec(name)?.[1] ?? process.pid);
    if (!isRunning(pid)) rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}
