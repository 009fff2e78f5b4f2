import type { OutputMap } from "@pulumi/pulumi/automation";

import { Api } from "../check/api";
import { explain } from "../check/result";

/** Whether the API server of a stack's cluster answers. */
export interface Health {
  server: string;
  ok: boolean;
  /** Its version, or why it doesn't answer. */
  detail: string;
}

/** Seconds for each of the two questions. */
const LIMIT = 5;

/** Asks the API server that the infrastructure's kubeconfig names; undefined if there is no kubeconfig yet. */
export async function readHealth({ kubeconfig }: OutputMap): Promise<Health | undefined> {
  if (typeof kubeconfig?.value !== "string") return undefined;
  // A second's worth of loading, which `up` and `preview` don't need.
  const { KubeConfig } = await import("@kubernetes/client-node");
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromString(kubeconfig.value);
  const server = kubeConfig.getCurrentCluster()?.server ?? "the API server";
  try {
    const api = await Api.connect(kubeConfig, new AbortController().signal);
    await api.request("GET", "/readyz", { timeout: LIMIT });
    const { gitVersion } = await api.get<{ gitVersion: string }>("/version", { timeout: LIMIT });
    return { server, ok: true, detail: gitVersion };
  } catch (error) {
    return { server, ok: false, detail: explain(error).detail };
  }
}
