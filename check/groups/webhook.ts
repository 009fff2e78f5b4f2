import { setTimeout as sleep } from "node:timers/promises";

import { ApiError, type Api } from "../api";
import type { Context, Group } from "../context";
import { WEBHOOK_LABEL } from "../manifests";
import { checkOf, probe, reasonOf, skipped, type CheckResult } from "../result";

const HEADER = {
  group: "webhook",
  id: "webhook.admission",
  title: "the API server reaches a webhook on a worker",
} as const;

/** agnhost's `/always-deny` says so. */
const DENIED = /denied the request|denies all requests/;

/** The API server learns of a new configuration, and kube-proxy of its Service, within seconds, on a busy node within ten. */
const SETTLE = 15_000;

export const webhook: Group = {
  id: "webhook",
  async run({ api, testbed }: Context): Promise<CheckResult[]> {
    const bed = await testbed.catch(() => undefined);
    if (bed?.webhookNode === undefined) return [skipped(HEADER, "the webhook's pod doesn't run")];
    const { webhookNode, namespace } = bed;
    const answer = await probe({ subject: `API server → ${webhookNode}`, to: webhookNode }, () =>
      untilDenied(api, namespace),
    );
    return [checkOf(HEADER, [answer])];
  },
};

/** The object is never stored: a webhook that answers denies it, and without one it was a dry run. */
async function untilDenied(api: Api, namespace: string): Promise<void> {
  const deadline = performance.now() + SETTLE;
  const object = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { generateName: "webhook-", labels: WEBHOOK_LABEL },
  };
  for (;;) {
    const message = await create(api, namespace, object);
    if (message !== undefined && DENIED.test(message)) return;
    if ((message && reasonOf(message) === "timeout") || performance.now() > deadline)
      throw new Error(message ?? "the API server didn't ask the webhook");
    await sleep(250);
  }
}

async function create(api: Api, namespace: string, object: unknown): Promise<string | undefined> {
  try {
    await api.create(`/api/v1/namespaces/${namespace}/configmaps?dryRun=All`, object);
    return undefined;
  } catch (error) {
    if (error instanceof ApiError) return error.message;
    throw error;
  }
}
