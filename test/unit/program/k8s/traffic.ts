import { trafficJob } from "../../../../k8s/traffic/job";
import { trafficRules, TRAFFIC_SERIES } from "../../../../k8s/traffic/rules";
import { parseDuration, parseRate } from "../../../../traffic/options";
import { describe as describeLoad, readLog } from "../../../../traffic/report";
import { runK8s, SETTINGS } from "../../k8s-program";

const rules = (rate: number) => trafficRules(rate).groups.flatMap((group) => group.rules);

describe("the standing generator's figures", () => {
  it("are one series each: what is wanted, what comes, errors and percentiles", () => {
    expect(rules(10).map(({ record }) => record)).toEqual(Object.values(TRAFFIC_SERIES));
  });

  it("know the configured rate", () => {
    expect(rules(100)).toContainEqual({ record: "daybreak:traffic_requests:wanted", expr: "vector(100)" });
  });

  it("are made by a rule of Prometheus, once its webhook is there to look at it", async () => {
    const run = await runK8s(SETTINGS);
    const rule = run.get("monitoring.coreos.com/v1:PrometheusRule", "traffic");
    expect(rule.dependsOn).toContain("prometheus");
    expect(rule.inputs).toMatchObject({ metadata: { namespace: "traffic" }, spec: trafficRules(100) });
  }, 60_000);
});

describe("a load with an end", () => {
  const load = { url: "http://page/", rate: 100, extent: { seconds: 60 } };
  const job = trafficJob({ name: "traffic-1", namespace: "traffic", run: load, deadlineSeconds: 180 });

  it("is over by itself if nobody takes it away, and is not tried again", () => {
    expect(job.spec).toMatchObject({ backoffLimit: 0, activeDeadlineSeconds: 180, ttlSecondsAfterFinished: 300 });
  });

  it("reports, and does not hide that the page is not there", () => {
    const args = job.spec.template.spec.containers[0]?.args.join(" ");
    expect(args).toContain("-json - ");
    expect(args).not.toContain("-allow-initial-errors");
  });
});

/** As fortio 1.68.2 writes it, both streams in one log, shortened; a line of one got into the other. */
const LOG = (codes: object) => `Fortio 1.68.2 running at 50 queries per second, 2->2 procs, for 2s: http://page/
Code 200 : 98 (98.0 %)
{
  "RunType": "HTTP",
  "ActualQPS": 49.5,
  "DurationHistogram": {
    "Count": 100,
    "Avg": 0.0042,
    "Percentiles": [
      { "Percentile": 50, "Value": 0.003 },
      { "Percentile": 90, "Value": 0.005 },
      { "Percentile": 95, "Value": 0.006 },
      { "Percentile": 99, "Value": 0.009 },
      { "Percentile": 99.9, "Value": 0.01 }
    ]
  },
Successfully wrote 4037 bytes of Json data to stdout
  "RetCodes": ${JSON.stringify(codes)}
}
`;

describe("fortio's report", () => {
  it("is told from what it says to people", () => {
    const { text, report } = readLog(LOG({ 200: 98, 503: 1, "-1": 1 }));
    expect(text.split("\n")).toEqual([
      expect.stringMatching(/^Fortio/),
      "Code 200 : 98 (98.0 %)",
      expect.stringMatching(/^Success/),
    ]);
    expect(report).toEqual({
      requests: 100,
      errors: 2,
      codes: { 200: 98, 503: 1, "-1": 1 },
      rate: 49.5,
      latency: { mean: 0.0042, p50: 0.003, p90: 0.005, p95: 0.006, p99: 0.009, p999: 0.01 },
    });
  });

  it("is missing where fortio gave up", () => {
    expect(readLog("Aborting because of no such host\n")).toEqual({
      text: "Aborting because of no such host",
      report: undefined,
    });
  });

  it("is one line: what failed and how, whether the rate was kept, and how long it took", () => {
    const line = (codes: object) => describeLoad(readLog(LOG(codes)).report!, 50);
    expect(line({ 200: 100 })).toBe(
      "✔ 100 requests, 0 failed; 49.5 of 50 requests/s; p50 3.0 ms, p95 6.0 ms, p99 9.0 ms",
    );
    expect(line({ 200: 98, 503: 1, "-1": 1 })).toMatch(/^✘ 100 requests, 2 failed \(1 × 503, 1 × no answer\)/);
  });
});

describe("options", () => {
  it.each([
    ["90", 90],
    ["45s", 45],
    ["2m", 120],
    ["1h", 3600],
  ])("a duration of %s is %d s", (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds);
  });

  it.each(["0s", "5x", "-1", "2h", "", "1.5s"])("no duration is %j", (text) => {
    expect(() => parseDuration(text)).toThrow(/from 1s to 1h/);
  });

  it.each(["0", "1001", "1.5", "many"])("no rate is %j", (text) => {
    expect(() => parseRate(text)).toThrow(/from 1 to 1000/);
  });
});
