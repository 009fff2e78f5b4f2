import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { summarize } from "../../../lab/pulumi";
import { PROJECT_DIR, shell } from "../lab-cli";

const STACK = "lab-k8s";

/** Values by the path of their key. */
type Settings = Readonly<Record<string, string>>;

/** `pulumi up` of the workloads with some settings, without a trace in the stack's own configuration file. */
export async function upWith(lab: string, settings: Settings, secrets: Settings = {}): Promise<Record<string, number>> {
  const folder = await mkdtemp(join(tmpdir(), "daybreak-config-"));
  const file = join(folder, `Pulumi.${STACK}.yaml`);
  try {
    await copyFile(join(PROJECT_DIR, `Pulumi.${STACK}.yaml`), file);
    const config = ["--stack", STACK, "--config-file", file];
    const set = (path: string, value: string, ...options: string[]) =>
      shell(lab, ["pulumi", "config", "set", "--path", `daybreak:${path}`, value, ...options, ...config]);
    for (const [path, value] of Object.entries(settings)) await set(path, value);
    for (const [path, value] of Object.entries(secrets)) await set(path, value, "--secret");
    return summarize(await shell(lab, ["pulumi", "up", "--yes", "--skip-preview", ...config]));
  } finally {
    await rm(folder, { recursive: true });
  }
}
