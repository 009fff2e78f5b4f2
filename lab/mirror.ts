import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { logFile, startBackground, type Background } from "./background";
import { fileServerProgram, MIRROR_URLS, registryConfig, registryProgram, type MirrorProgram } from "./build/mirror";
import { run } from "./ec2/linux/command";
import { inLab, type Lab } from "./lab";

/** How long a server of the mirror may take until it answers, in seconds; it takes a fraction of one. */
const ANSWER_LIMIT = 20;

/** Names of the mirror's processes: without one of them a lab is half-dead. */
export const MIRROR_PROCESSES = ["registry", "file-server"] as const;

/**
 * Serves the cache's packages, charts and images inside the lab's network, and returns when both servers answer.
 *
 * @throws with the server's log file, if one does not.
 */
export async function startMirror(lab: Lab): Promise<void> {
  const configFile = join(lab.dir, "registry.yaml");
  writeFileSync(configFile, registryConfig(), { mode: 0o600 });
  await Promise.all([
    serve(lab, "registry", registryProgram(configFile), `${MIRROR_URLS.images}/v2/`),
    serve(lab, "file-server", fileServerProgram(), `${MIRROR_URLS.charts}/index.yaml`),
  ]);
}

async function serve(lab: Lab, name: (typeof MIRROR_PROCESSES)[number], program: MirrorProgram, url: string) {
  await startBackground(lab, inNamespace(lab, name, program));
  const [file, args] = inLab(lab, "curl", ["--silent", "--fail", "--output", "/dev/null", "--max-time", "2", url]);
  const end = Date.now() + ANSWER_LIMIT * 1000;
  for (;;) {
    const answer = await run(file, args).then(
      () => true,
      () => false,
    );
    if (answer) return;
    if (Date.now() > end) throw new Error(`${url} does not answer in the lab: see ${logFile(lab, name)}`);
    await delay(100);
  }
}

function inNamespace(lab: Lab, name: string, program: MirrorProgram): Background {
  const [file, args] = inLab(lab, program.file, program.args);
  return { name, file, args };
}
