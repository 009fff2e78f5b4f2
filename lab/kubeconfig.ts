import { existsSync, readFileSync, statSync, unwatchFile, watchFile, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";

import { kubeconfigFile, LAB_STACKS, stackFile, type Lab } from "./lab";
import { PUBLISHED_PORTS } from "./loopback";
import { outputs } from "./pulumi";

interface State {
  checkpoint: { latest?: { resources?: { type: string; outputs?: Record<string, unknown> }[] } };
}

interface Kubeconfig {
  clusters: { cluster: Record<string, unknown> }[];
}

/** Where the kubeconfig for this machine's own network lies (the other one works inside the lab's namespace only). */
export function loopbackKubeconfigFile(lab: Lab): string {
  return join(lab.dir, "kubeconfig-loopback");
}

/**
 * Writes the stack's kubeconfig twice, readable by root alone: as it is, for the lab's namespace, and with the API
 * server's published loopback port, for this machine. The certificate is still checked, under a name that it carries.
 */
export function writeKubeconfigs(lab: Lab, kubeconfig: string): void {
  writeFileSync(kubeconfigFile(lab), kubeconfig, { mode: 0o600 });
  writeFileSync(loopbackKubeconfigFile(lab), throughLoopback(kubeconfig, lab.loopback), { mode: 0o600 });
}

/** Writes them anew when somebody has run `pulumi up` since: the cluster may be another one. */
export async function refreshKubeconfigs(lab: Lab): Promise<void> {
  const state = stackFile(lab, LAB_STACKS.infra);
  if (!existsSync(state) || modified(kubeconfigFile(lab)) >= modified(state)) return;
  const { kubeconfig } = await outputs(lab, LAB_STACKS.infra);
  if (typeof kubeconfig === "string") writeKubeconfigs(lab, kubeconfig);
}

/**
 * Writes them anew whenever an update ends that has made another cluster, a second or two later.
 *
 * @returns what ends that.
 */
export function followStack(lab: Lab): () => void {
  const state = stackFile(lab, LAB_STACKS.infra);
  let known = encryptedKubeconfig(state);
  const look = () => {
    const now = encryptedKubeconfig(state);
    if (now === undefined || now === known) return;
    known = now;
    refreshKubeconfigs(lab).catch((error: unknown) =>
      console.error(`kubectl may not know this cluster: ${String(error)}`),
    );
  };
  watchFile(state, { interval: 500, persistent: false }, look);
  return () => unwatchFile(state, look);
}

/** The stack's output as its state has it: there once the program is through, and the same until there is another one. */
function encryptedKubeconfig(state: string): string | undefined {
  try {
    const { latest } = (JSON.parse(readFileSync(state, "utf8")) as State).checkpoint;
    const stack = latest?.resources?.find(({ type }) => type === "pulumi:pulumi:Stack");
    const output = stack?.outputs?.["kubeconfig"];
    return output === undefined ? undefined : JSON.stringify(output);
  } catch {
    // Not there yet, or being written.
    return undefined;
  }
}

function modified(file: string): number {
  return existsSync(file) ? statSync(file).mtimeMs : 0;
}

/** The same kubeconfig by way of the loopback address. */
export function throughLoopback(kubeconfig: string, loopback: string): string {
  const config = parse(kubeconfig) as Kubeconfig;
  const port = PUBLISHED_PORTS.find(({ name }) => name === "api-server")?.port;
  for (const { cluster } of config.clusters) {
    cluster.server = `https://${loopback}:${port}`;
    cluster["tls-server-name"] = "kubernetes";
  }
  return stringify(config);
}
