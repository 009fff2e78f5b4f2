import type { Measurement } from "../../../measure/report";
import { TRAFFIC_SERIES } from "../../../k8s/traffic/rules";
import { WORKLOADS } from "../../../k8s/bookinfo/services";
import type { LoadReport } from "../../../traffic/report";
import { inShell, shell } from "../lab-cli";

const MINUTE = 60_000;
const PROMETHEUS = "/api/v1/namespaces/monitoring/services/prometheus-kube-prometheus-prometheus:9090/proxy/api/v1";

/** The first value of a query, undefined without one. */
async function query(lab: string, text: string): Promise<number | undefined> {
  const path = `${PROMETHEUS}/query?query=${encodeURIComponent(text)}`;
  const answer = JSON.parse(await shell(lab, ["kubectl", "get", "--raw", path])) as {
    data: { result: { value: [number, string] }[] };
  };
  const [first] = answer.data.result;
  return first && Number(first.value[1]);
}

/** `npm run traffic` at 100 requests/s. */
async function load(lab: string, duration: string): Promise<LoadReport> {
  const command = ["npm", "run", "-s", "traffic", "--", "--rate", "100", "--duration", duration, "--json"];
  const { stdout, stderr } = await inShell(lab, command);
  if (!stdout.startsWith("{")) throw new Error(`no report:\n${stdout}\n${stderr}`);
  return JSON.parse(stdout) as LoadReport;
}

/** In one shell: going into the lab seven times would take longer than the restart. */
async function restartEverything(lab: string): Promise<void> {
  const names = WORKLOADS.map(({ service, version }) => `deployment/${service}-${version}`);
  const wait = names.map((name) => `kubectl rollout status --namespace bookinfo ${name}`);
  const script = ["kubectl rollout restart deployment --namespace bookinfo", ...wait].join(" && ");
  await shell(lab, ["bash", "-c", script]);
}

/** Steps of the platform's test: the generator's figures, a platform that is changed under load, and the mesh's overhead. */
export function trafficTests(lab: string): void {
  it(
    "has figures of the standing generator",
    async () => {
      expect(await query(lab, TRAFFIC_SERIES.wanted)).toBe(10);
      expect(await query(lab, TRAFFIC_SERIES.rate)).toBeGreaterThan(5);
      expect(await query(lab, TRAFFIC_SERIES.errorRatio)).toBe(0);
      const [p50 = NaN, p95 = NaN, p99 = NaN] = await Promise.all(
        [TRAFFIC_SERIES.p50, TRAFFIC_SERIES.p95, TRAFFIC_SERIES.p99].map((series) => query(lab, series)),
      );
      expect(p50).toBeGreaterThan(0);
      expect(p95).toBeGreaterThanOrEqual(p50);
      expect(p99).toBeGreaterThanOrEqual(p95);
    },
    MINUTE,
  );

  it(
    "keeps up 100 requests/s without a failure, and leaves no Job behind",
    async () => {
      const { requests, errors, rate } = await load(lab, "20s");
      expect(errors).toBe(0);
      expect(requests).toBeGreaterThan(1800);
      expect(rate).toBeGreaterThan(90);
      expect(await shell(lab, ["kubectl", "get", "jobs", "--namespace", "traffic", "--output", "name"])).toBe("");
    },
    2 * MINUTE,
  );

  it(
    "loses no request while every Deployment of Bookinfo restarts",
    async () => {
      let running = true;
      const report = load(lab, "120s").finally(() => (running = false));
      // If a step below fails first, that is the failure to be told of.
      report.catch(() => undefined);
      await restartEverything(lab);
      // Otherwise part of it would have gone unnoticed.
      expect(running).toBe(true);
      const { requests, errors, codes } = await report;
      expect({ errors, codes }).toEqual({ errors: 0, codes: { 200: requests } });
      // The page is a 200 without reviews, too: nobody inside may have failed either.
      const inside = 'increase(response_total{namespace="bookinfo",classification="failure"}[5m])';
      const refused = 'increase(outbound_http_errors_total{namespace="bookinfo"}[5m])';
      expect(await query(lab, `sum(${inside} or ${refused}) or vector(0)`)).toBe(0);
    },
    4 * MINUTE,
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
    6 * MINUTE,
  );
}
