import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { summarize } from "../../../lab/pulumi";
import { PROJECT_DIR, shell } from "../lab-cli";

const STACK = "lab-k8s";

/** `pulumi up` of the workloads with some settings, without a trace in the stack's own configuration file. */
export async function upWith(lab: string, settings: Record<string, string>): Promise<Record<string, number>> {
  const folder = await mkdtemp(join(tmpdir(), "daybreak-config-"));
  const file = join(folder, `Pulumi.${STACK}.yaml`);
  try {
    await copyFile(join(PROJECT_DIR, `Pulumi.${STACK}.yaml`), file);
    const config = ["--stack", STACK, "--config-file", file];
    for (const [path, value] of Object.entries(settings))
      await shell(lab, ["pulumi", "config", "set", "--path", `daybreak:${path}`, value, ...config]);
    return summarize(await shell(lab, ["pulumi", "up", "--yes", "--skip-preview", ...config]));
  } finally {
    await rm(folder, { recursive: true });
  }
}
