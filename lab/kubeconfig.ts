import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";

import { kubeconfigFile, LAB_STACKS, stackFile, type Lab } from "./lab";
import { PUBLISHED_PORTS } from "./loopback";
import { outputs } from "./pulumi";

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
