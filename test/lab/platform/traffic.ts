import { workloadName, WORKLOADS } from "../../../k8s/bookinfo/services";
import { TRAFFIC_SERIES } from "../../../k8s/traffic/rules";
import type { Measurement } from "../../../measure/report";
import type { LoadReport } from "../../../traffic/report";
import { inShell, shell } from "../lab-cli";
import { tell } from "../tell";
import { until } from "../until";
import { Monitoring } from "./monitoring";

const MINUTE = 60_000;

/** `npm run traffic` at 100 requests/s. */
async function load(lab: string, duration: string): Promise<LoadReport> {
  const command = ["npm", "run", "-s", "traffic", "--", "--rate", "100", "--duration", duration, "--json"];
  const { stdout, stderr } = await inShell(lab, command);
  if (!stdout.startsWith("{")) throw new Error(`no report:\n${stdout}\n${stderr}`);
  return JSON.parse(stdout) as LoadReport;
}

/** In one shell: going into the lab seven times would take longer than the restart. */
async function restartEverything(lab: string): Promise<void> {
  const names = WORKLOADS.map((workload) => `deployment/${workloadName(workload)}`);
  const wait = names.map((name) => `kubectl rollout status --namespace bookinfo ${name}`);
  await shell(lab, ["bash", "-c", ["kubectl rollout restart deployment --namespace bookinfo", ...wait].join(" && ")]);
}

/** Takes Bookinfo's pods off a worker, as before maintenance, and lets the worker take pods again. */
async function drain(lab: string, node: string): Promise<void> {
  const options = "--pod-selector='app in (details, ratings, reviews)' --ignore-daemonsets --delete-emptydir-data";
  const script = `kubectl drain ${node} ${options} --timeout=120s; code=$?; kubectl uncordon ${node}; exit $code`;
  await shell(lab, ["bash", "-c", script]);
}

/** Asks for 100 requests/s while something is done to the platform, which has to be over before the load is. */
async function loadDuring(lab: string, duration: string, change: () => Promise<void>): Promise<LoadReport> {
  let running = true;
  const report = load(lab, duration).finally(() => (running = false));
  // If the change fails first, that is the failure to be told of.
  report.catch(() => undefined);
  await change();
  // Otherwise part of it would have gone unnoticed.
  expect(running).toBe(true);
  return report;
}

/**
 * How calls inside Bookinfo ended in the last five minutes for whoever made them, whatever was tried again before: the page is a 200
 * without reviews, too. Counts by who was called and the ending, as in "ratings 503".
 */
async function endingsInside(lab: string): Promise<Record<string, number>> {
  const calls = 'increase(outbound_http_route_request_statuses_total{namespace="bookinfo"}[5m])';
  const counts = await new Monitoring(lab).series(`sum by (parent_name, http_status, error) (${calls})`);
  const named = counts.map(({ labels: { parent_name: who, http_status: status, error }, value }) => {
    // Up: what Prometheus makes of a single one in five minutes may be less than one.
    return [`${who} ${status || error}`, Math.ceil(value)] as const;
  });
  return Object.fromEntries(named.filter(([, count]) => count > 0));
}

/**
 * Whether a call inside failed. One that took longer than its route allows is not counted: on a machine that has much else to do there
 * are some at any time.
 */
const failed = (ending: string): boolean => !/ ([1-4]..|REQUEST_TIMEOUT)$/.test(ending);

/** Steps of the platform's test: the generator's figures, what the platform carries, and what the mesh costs. */
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
    6 * MINUTE,
  );

  it(
    "asks for 100 requests/s without a failure, its proxy among Prometheus' targets, and leaves no Job behind",
    async () => {
      const monitoring = new Monitoring(lab);
      const proxies = `count(up{job="linkerd-proxy",namespace="traffic",k8s_job=~"traffic-.+"}) or vector(0)`;
      const { requests, errors, rate } = await loadDuring(lab, "40s", async () => {
        const ask = async () => (await monitoring.values([proxies]))[0]?.[0];
        const { answer } = await until(ask, (found) => found === 1, 35);
        expect(answer).toBe(1);
      });
      // How much of it a machine that does other things keeps up says nothing of the platform: it is told, not tested.
      tell(`${rate.toFixed(0)} of 100 requests/s kept up, ${requests} in all`);
      expect(errors).toBe(0);
      expect(requests).toBeGreaterThan(100);
      expect(await shell(lab, ["kubectl", "get", "jobs", "--namespace", "traffic", "--output", "name"])).toBe("");
    },
    4 * MINUTE,
  );

  it.each([
    // New pods are there before the old ones go: nobody misses anything.
    { what: "every Deployment of Bookinfo restarts", change: () => restartEverything(lab), whole: true },
    // Each version of reviews has one pod, which is not replaced before it goes: some pages come without reviews.
    { what: "a worker is drained", change: () => drain(lab, "worker-1"), whole: false },
  ])(
    "loses no request while $what",
    async ({ what, change, whole }) => {
      const { requests, errors, rate, codes } = await loadDuring(lab, "120s", change);
      const inside = await endingsInside(lab);
      tell(
        `while ${what}: ${requests} requests at ${rate.toFixed(0)}/s, ${errors} failed; inside ${JSON.stringify(inside)}`,
      );
      expect({ errors, codes }).toEqual({ errors: 0, codes: { 200: requests } });
      expect(inside["reviews 200"]).toBeGreaterThan(requests / 2);
      if (whole) expect(Object.keys(inside).filter(failed)).toEqual([]);
    },
    10 * MINUTE,
  );

  it(
    "measures the mesh's overhead on two copies of Bookinfo, and removes them",
    async () => {
      const plan = ["--rate", "20", "--rounds", "2", "--duration", "5s"];
      const { stdout, stderr } = await inShell(lab, ["npm", "run", "-s", "measure", "--", ...plan, "--json"]);
      if (!stdout.startsWith("{")) throw new Error(`no measurement:\n${stdout}\n${stderr}`);
      const { proxy, variants, overhead } = JSON.parse(stdout) as Measurement;
      expect(proxy).toMatchObject({ image: expect.stringContaining("linkerd/proxy") as string, standIn: true });
      expect(variants.plain).toMatchObject({ pods: 4, proxies: 0, errors: 0 });
      expect(variants.meshed).toMatchObject({ pods: 4, proxies: 4, errors: 0 });
      for (const { rounds } of Object.values(variants)) expect(rounds).toHaveLength(2);
      // How long anything takes is this machine's affair; that there is an interval around the figure is ours.
      for (const { percent, low, high, verdict } of Object.values(overhead)) {
        expect(low).toBeLessThanOrEqual(percent);
        expect(high).toBeGreaterThanOrEqual(percent);
        expect(["within", "outside", "undecided"]).toContain(verdict);
      }
      expect(Object.keys(overhead)).toEqual(["mean", "p50", "p95", "p99"]);
      const left = ["kubectl", "get", "namespaces", "--selector", "app.kubernetes.io/managed-by=daybreak-measure"];
      expect(await shell(lab, [...left, "--output", "name"])).toBe("");
    },
    12 * MINUTE,
  );
}
