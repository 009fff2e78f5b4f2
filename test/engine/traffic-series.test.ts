/** The generator's series under Prometheus' own judge, promtool. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";

import { trafficRules, TRAFFIC_SERIES } from "../../k8s/traffic/rules";
import { cacheDir } from "../../lab/cache";
import { outcome } from "./outcome";

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "daybreak-traffic-"));
  writeFileSync(join(folder, "rules.yaml"), stringify(trafficRules(10)));
});

afterAll(() => rmSync(folder, { recursive: true }));

const GENERATOR = 'namespace="traffic",deployment="traffic"';
const answered = (classification: string) =>
  `response_total{${GENERATOR},direction="outbound",classification="${classification}"}`;
const REFUSED = `outbound_http_errors_total{${GENERATOR},error="failfast"}`;
const within = (bound: string) => `response_latency_ms_bucket{${GENERATOR},direction="outbound",le="${bound}"}`;

/** Feeds Prometheus what a proxy counts, every 5 s, and compares the series a minute later; null means that there is none. */
async function expectSeries(counted: Record<string, string>, expected: Record<string, number | null>): Promise<void> {
  const test = {
    interval: "5s",
    input_series: Object.entries(counted).map(([series, values]) => ({ series, values })),
    promql_expr_test: Object.entries(expected).map(([name, value]) => ({
      expr: name,
      eval_time: "60s",
      exp_samples: value === null ? [] : [{ labels: name, value }],
    })),
  };
  writeFileSync(
    join(folder, "test.yaml"),
    stringify({ rule_files: ["rules.yaml"], evaluation_interval: "5s", tests: [test] }),
  );
  const promtool = join(cacheDir(), "bin", "promtool");
  expect(await outcome(promtool, ["test", "rules", "test.yaml"], folder)).toEqual({
    exitCode: 0,
    all: expect.stringContaining("SUCCESS") as string,
  });
}

test("45 answers, 3 failures and 2 refusals in 5 s are 10 requests/s, of which a tenth failed", async () => {
  await expectSeries(
    { [answered("success")]: "0+45x20", [answered("failure")]: "0+3x20", [REFUSED]: "0+2x20" },
    { [TRAFFIC_SERIES.wanted]: 10, [TRAFFIC_SERIES.rate]: 9.6, [TRAFFIC_SERIES.errorRatio]: 0.1 },
  );
});

test("nobody there: everything failed, though nothing was answered", async () => {
  await expectSeries({ [REFUSED]: "0+50x20" }, { [TRAFFIC_SERIES.errorRatio]: 1 });
});

test("no requests: no share and no percentiles, instead of a division by zero", async () => {
  await expectSeries(
    {},
    { [TRAFFIC_SERIES.wanted]: 10, [TRAFFIC_SERIES.errorRatio]: null, [TRAFFIC_SERIES.p99]: null },
  );
});

test("percentiles are seconds, from the proxy's milliseconds", async () => {
  await expectSeries(
    { [within("10")]: "0+50x20", [within("20")]: "0+100x20", [within("+Inf")]: "0+100x20" },
    { [TRAFFIC_SERIES.p50]: 0.01, [TRAFFIC_SERIES.p95]: 0.019 },
  );
});
