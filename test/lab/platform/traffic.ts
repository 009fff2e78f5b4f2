import { TRAFFIC_SERIES } from "../../../k8s/traffic/rules";
import type { LoadReport } from "../../../traffic/report";
import { inShell, shell } from "../lab-cli";
import { Monitoring } from "./monitoring";

const MINUTE = 60_000;

/** `npm run traffic` at 100 requests/s. */
async function load(lab: string, duration: string): Promise<LoadReport> {
  const command = ["npm", "run", "-s", "traffic", "--", "--rate", "100", "--duration", duration, "--json"];
  const { stdout, stderr } = await inShell(lab, command);
  if (!stdout.startsWith("{")) throw new Error(`no report:\n${stdout}\n${stderr}`);
  return JSON.parse(stdout) as LoadReport;
}

/** Steps of the platform's test: the generator's figures, and what the platform carries. */
export function trafficTests(lab: string): void {
  it(
    "has figures of the standing generator",
    async () => {
      const { wanted, rate, errorRatio, ...percentiles } = TRAFFIC_SERIES;
      const series = [wanted, rate, errorRatio, percentiles.p50, percentiles.p95, percentiles.p99];
      const values = (await new Monitoring(lab).values(series)).map(([first]) => first);
      const [rateWanted, rateKept, errors, p50 = NaN, p95 = NaN, p99 = NaN] = values;
      expect(rateWanted).toBe(10);
      expect(rateKept).toBeGreaterThan(5);
      expect(errors).toBe(0);
      expect(p50).toBeGreaterThan(0);
      expect(p95).toBeGreaterThanOrEqual(p50);
      expect(p99).toBeGreaterThanOrEqual(p95);
    },
    MINUTE,
  );

  it(
    "asks for 100 requests/s without a failure, and leaves no Job behind",
    async () => {
      const { requests, errors, rate } = await load(lab, "20s");
      // How much of it a machine that does other things keeps up says nothing of the platform: it is told, not tested.
      console.log(`${rate.toFixed(0)} of 100 requests/s kept up, ${requests} in all`);
      expect(errors).toBe(0);
      expect(requests).toBeGreaterThan(100);
      expect(await shell(lab, ["kubectl", "get", "jobs", "--namespace", "traffic", "--output", "name"])).toBe("");
    },
    2 * MINUTE,
  );
}
