import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { inShell, PROJECT_DIR, type Result, shell } from "../lab-cli";
import { tell } from "../tell";

const MINUTE = 60_000;

/** The configuration that a canary changes. */
const CONFIG = join(PROJECT_DIR, "Pulumi.lab-k8s.yaml");

/** A canary of reviews v3: a good one gets everything, a bad one goes back by itself. */
export function canaryOfReviews(lab: string): void {
  const kubectl = (...args: string[]) => shell(lab, ["kubectl", "-n", "bookinfo", ...args]);
  async function canary(...options: string[]): Promise<Result> {
    const start = performance.now();
    // The generator's 10 requests/s give the version one in two seconds at 5 %.
    const usual = ["--stack", "lab", "--min-requests", "2"];
    const result = await inShell(lab, ["npm", "run", "-s", "canary", "--", "reviews", "v3", ...usual, ...options]);
    tell(`${result.stdout}\n${result.stderr}\nin ${((performance.now() - start) / 1000).toFixed(0)} s`);
    return result;
  }

  async function weights(): Promise<string> {
    const path = "{.spec.rules[0].backendRefs[*].weight}";
    return kubectl("get", "httproutes.gateway.networking.k8s.io", "reviews", "-o", `jsonpath=${path}`);
  }

  let before: string;

  beforeAll(async () => {
    before = await readFile(CONFIG, "utf8");
  });

  afterAll(async () => {
    await writeFile(CONFIG, before);
    await shell(lab, ["pulumi", "up", "--stack", "lab-k8s", "--yes", "--skip-preview"]);
  }, 6 * MINUTE);

  it(
    "takes a version back that fails, by itself",
    async () => {
      const fault = (value: string) => kubectl("set", "env", "deployment/reviews-v3", value);
      const rolledOut = () => kubectl("rollout", "status", "deployment/reviews-v3", "--timeout=90s");
      await fault("STAND_IN_FAULT_PERCENT=60");
      try {
        await rolledOut();
        const { exitCode, stderr } = await canary("--steps", "25,100", "--pause", "60");
        expect(exitCode).toBe(1);
        expect(stderr).toMatch(/% of \d+ requests were good/);
        expect(await weights()).toBe("1 1 1");
        expect(await readFile(CONFIG, "utf8")).not.toContain("reviewsWeights");
      } finally {
        await fault("STAND_IN_FAULT_PERCENT-");
        await rolledOut();
      }
    },
    8 * MINUTE,
  );

  it(
    "walks a good version to 100 %, and the configuration agrees",
    async () => {
      const { exitCode, stderr } = await canary("--pause", "20");
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
      expect(await weights()).toBe("0 0 1000");
      const preview = await shell(lab, ["pulumi", "preview", "--stack", "lab-k8s", "--expect-no-changes"]);
      expect(preview).toContain("unchanged");
    },
    12 * MINUTE,
  );
}
