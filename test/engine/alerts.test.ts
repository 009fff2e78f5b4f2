/** The alert rules under Prometheus' own judge, promtool: they are valid, and fire when they should and not before. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";

import { RULES } from "../../k8s/alerts/groups";
import { cacheDir } from "../../lab/cache";
import { outcome } from "./outcome";

jest.setTimeout(120_000);

const groups = Object.values(RULES).flat();
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "daybreak-alerts-"));
  writeFileSync(join(folder, "rules.yaml"), stringify({ groups }));
});

afterAll(() => rmSync(folder, { recursive: true }));

const promtool = (...args: string[]) => outcome(join(cacheDir(), "bin", "promtool"), args, folder);

/** Series in promtool's notation: `0+150x240` is 0, 150, … 240 steps long. */
type Series = Record<string, string>;

/** Names with severities of the alerts that fire at a time, and of no others. */
type Firing = Record<string, string[]>;

let scenarios = 0;

/** Feeds Prometheus the series, a step apart, and compares what fires with what should. */
async function expectFiring(step: string, series: Series, firing: Firing): Promise<void> {
  const file = `scenario-${++scenarios}.yaml`;
  const test = {
    interval: step,
    // Without the traffic's own targets, a rule on how many there are would fire everywhere.
    input_series: Object.entries({ ...TARGETS, ...series }).map(([name, values]) => ({ series: name, values })),
    promql_expr_test: Object.entries(firing).map(([time, alerts]) => ({
      expr: 'count by (alertname, severity) (ALERTS{alertstate="firing"})',
      eval_time: time,
      exp_samples: alerts.map((alert) => {
        const [alertname, severity, value = "1"] = alert.split(" ");
        return { labels: `{alertname="${alertname}", severity="${severity}"}`, value: Number(value) };
      }),
    })),
  };
  writeFileSync(
    join(folder, file),
    stringify({
      rule_files: ["rules.yaml"],
      evaluation_interval: "15s",
      // Without it promtool evaluates the groups of one moment in any order, another in each run.
      group_eval_order: groups.map(({ name }) => name),
      tests: [test],
    }),
  );
  const { exitCode, all } = await promtool("test", "rules", file);
  expect({ exitCode, all }).toEqual({ exitCode: 0, all: expect.stringContaining("SUCCESS") as string });
}

const TARGETS: Series = Object.fromEntries(
  Array.from({ length: 15 }, (_, i) => [`up{job="whatever",instance="${i}"}`, "1x2000"]),
);

test("promtool finds nothing wrong with the rules", async () => {
  const { exitCode, all } = await promtool("check", "rules", "--lint=all", "--lint-fatal", "rules.yaml");
  const count = groups.flatMap(({ rules }) => rules).length;
  expect({ exitCode, all }).toEqual({ exitCode: 0, all: expect.stringContaining(`${count} rules found`) as string });
});

const page = 'namespace="bookinfo",deployment="productpage-v1",direction="inbound"';
const answered = (classification: string, more = "") =>
  `response_total{${page},classification="${classification}"${more}}`;

describe("availability of productpage", () => {
  /** All three windows at once: on a cluster this young, the longer ones hold no more than its life. */
  const TOTAL = ["ProductpageAvailabilityBurn critical 2", "ProductpageAvailabilityBurn warning"];

  test("an hour of 10 requests/s and then nothing but errors: known after a minute", async () => {
    await expectFiring(
      "15s",
      { [answered("success")]: "0+150x240 36000x20", [answered("failure")]: "0x240 150+150x20" },
      { "60m": [], "61m": TOTAL },
    );
  });

  test("ends with its cause, although the hour is still bad", async () => {
    await expectFiring(
      "15s",
      { [answered("success")]: "0+150x240 36000x20 36150+150x60", [answered("failure")]: "0x240 150+150x20 3150x60" },
      // The windows of half an hour and two hours still have it.
      { "65m": TOTAL, "75m": ["ProductpageAvailabilityBurn critical", "ProductpageAvailabilityBurn warning"] },
    );
  });

  test("half of the budget's rate never fires, nor does a page that nobody asks for", async () => {
    await expectFiring("1m", { [answered("success")]: "0+9995x150", [answered("failure")]: "0+5x150" }, { "2h": [] });
    await expectFiring("1m", { [answered("success")]: "500x60" }, { "1h": [] });
  });

  test.each([
    ["twenty", 200, "ProductpageAvailabilityBurn critical 2"],
    ["ten", 100, "ProductpageAvailabilityBurn critical"],
  ])("%s times the budget's rate", async (_, errors, critical) => {
    const series = { [answered("success")]: `0+${10_000 - errors}x150`, [answered("failure")]: `0+${errors}x150` };
    await expectFiring("1m", series, { "2h": [critical, "ProductpageAvailabilityBurn warning"] });
  });

  test("four times the budget's rate is a warning", async () => {
    const series = { [answered("success")]: "0+9960x800", [answered("failure")]: "0+40x800" };
    await expectFiring("1m", series, { "2h": ["ProductpageAvailabilityBurn warning"] });
  });

  test("the kubelet's probes do not count", async () => {
    const probes = answered("success", ',route_name="probe"');
    const series = { [answered("failure")]: "0+5x40", [probes]: "0+100000x40" };
    await expectFiring("15s", series, { "5m": TOTAL });
  });
});

describe("latency of productpage", () => {
  const bucket = (le: string) => `response_latency_ms_bucket{${page},le="${le}"}`;
  const count = `response_latency_ms_count{${page}}`;

  test.each(["500", "500.0"])("half of them over half a second, in a histogram that writes le=%s", async (le) => {
    await expectFiring(
      "15s",
      { [bucket(le)]: "0+150x240 36000+75x80", [count]: "0+150x320" },
      { "60m": [], "80m": ["ProductpageLatencyBurn critical 2", "ProductpageLatencyBurn warning"] },
    );
  });

  test("a hundredth over half a second is what was promised", async () => {
    await expectFiring("15s", { [bucket("500")]: "0+149x280", [count]: "0+150x280" }, { "70m": [] });
  });
});

describe("productpage that answers nobody", () => {
  const generator = 'kube_deployment_status_replicas_available{namespace="traffic",deployment="traffic"}';
  const got = 'response_total{namespace="traffic",deployment="traffic",direction="outbound",classification="success"}';

  test("is known a minute and a half after the last answer", async () => {
    await expectFiring(
      "15s",
      { [generator]: "1x60", [got]: "0+150x20 3000x40" },
      { "5m": [], "6m": [], "6m45s": ["ProductpageUnanswered critical"] },
    );
  });

  test("is no news where the generator is off", async () => {
    await expectFiring("15s", { [generator]: "0x60" }, { "10m": [] });
  });
});

describe("what kills a cluster", () => {
  const available = (namespace: string, deployment: string) =>
    `kube_deployment_status_replicas_available{namespace="${namespace}",deployment="${deployment}"}`;

  test("a service without a pod: 30 s", async () => {
    await expectFiring(
      "15s",
      { [available("bookinfo", "details-v1")]: "1x8 0x8", [available("bookinfo", "ratings-v1")]: "1x16" },
      { "2m": [], "2m30s": [], "2m45s": ["BookinfoServiceDown critical"] },
    );
  });

  test("the mesh's control plane: a minute", async () => {
    await expectFiring(
      "15s",
      { [available("linkerd", "linkerd-identity")]: "0x8" },
      {
        "45s": [],
        "1m": ["MeshControlPlaneDown critical"],
      },
    );
  });

  test("a node that is not ready, or cut off: a minute", async () => {
    const ready = 'kube_node_status_condition{node="worker-1",condition="Ready",status="true"}';
    await expectFiring("15s", { [ready]: "1x4 0x8" }, { "2m": [], "2m15s": ["NodeNotReady critical"] });
  });

  test("CPU that the hypervisor withholds", async () => {
    const steal = (node: string) => `node_cpu_seconds_total{node="${node}",cpu="0",mode="steal"}`;
    await expectFiring(
      "15s",
      { [steal("worker-1")]: "0+3x80", [steal("worker-2")]: "0+0.1x80" },
      {
        "5m": [],
        "12m": ["NodeCpuStolen warning"],
      },
    );
  });

  test("a target that is down, and targets that have gone", async () => {
    await expectFiring(
      "15s",
      { 'up{job="kubelet",instance="a"}': "1x4 0x20" },
      {
        "3m": [],
        "3m15s": ["TargetDown warning"],
      },
    );
    const gone = Object.fromEntries(Object.keys(TARGETS).map((name) => [name, "1x4"]));
    const few = { ...gone, 'up{job="kubelet",instance="a"}': "1x80" };
    await expectFiring("15s", few, { "5m": [], "15m": ["TargetsMissing warning"] });
  });

  test("a pod in the mesh without a proxy, whatever kind of container that is, but not a Job's", async () => {
    const running = (pod: string) => `kube_pod_status_phase{namespace="bookinfo",pod="${pod}",phase="Running"}`;
    const proxy = (kind: string, pod: string) =>
      `kube_pod_${kind}_info{namespace="bookinfo",pod="${pod}",container="linkerd-proxy"}`;
    await expectFiring(
      "15s",
      {
        [running("native")]: "1x20",
        [proxy("init_container", "native")]: "1x20",
        [running("ordinary")]: "1x20",
        [proxy("container", "ordinary")]: "1x20",
        [running("job")]: "1x20",
        'kube_pod_owner{namespace="bookinfo",pod="job",owner_kind="Job"}': "1x20",
      },
      { "4m": [] },
    );
    await expectFiring("15s", { [running("bare")]: "1x20" }, { "45s": [], "1m": ["MeshProxyMissing critical"] });
  });

  test("the mesh's issuer: a warning three weeks before its end, more two days before", async () => {
    const days = (from: number) => ({ "issuer_cert_ttl_seconds{}": `${from * 86400}x8` });
    await expectFiring("15s", days(22), { "1m": [] });
    await expectFiring("15s", days(20), { "1m": ["MeshIssuerExpiring warning"] });
    await expectFiring("15s", days(1), { "1m": ["MeshIssuerExpiring critical", "MeshIssuerExpiring warning"] });
  });

  test.each(["identity_cert_expiration_timestamp_seconds", "control_identity_cert_expiration_timestamp_seconds"])(
    "a proxy's certificate that is not renewed, as %s",
    async (metric) => {
      const end = (hours: number) => ({ [`${metric}{namespace="bookinfo",pod="a"}`]: `${hours * 3600}x40` });
      await expectFiring("15s", end(7), { "9m": [] });
      await expectFiring("15s", end(4), { "4m": [], "6m": ["MeshIdentityExpiring critical"] });
    },
  );

  test("disk and memory that are nearly used up", async () => {
    const gib = 2 ** 30;
    const disk = (node: string) => `node_filesystem_avail_bytes{node="${node}",mountpoint="/",fstype="ext4"}`;
    const memory = (node: string) => `node_memory_MemAvailable_bytes{node="${node}"}`;
    await expectFiring(
      "15s",
      {
        [disk("a")]: `${4 * gib}x4 ${2 * gib}x20`,
        [disk("b")]: `${9 * gib}x24`,
        [memory("a")]: `${0.2 * gib}x24`,
        [memory("b")]: `${gib}x24`,
      },
      {
        "1m45s": [],
        "2m": ["NodeMemoryNearEviction critical"],
        "4m": ["NodeDiskNearEviction critical", "NodeMemoryNearEviction critical"],
      },
    );
  });

  test("a container near its limit, a sidecar too, and one that was killed there", async () => {
    const labels = (container: string) => `namespace="bookinfo",pod="a",container="${container}"`;
    const used = (container: string) => `container_memory_working_set_bytes{${labels(container)},image="x"}`;
    await expectFiring(
      "15s",
      {
        [used("reviews")]: "95x40",
        [`kube_pod_container_resource_limits{${labels("reviews")},resource="memory"}`]: "100x40",
        [used("linkerd-proxy")]: "80x20 95x20",
        [`kube_pod_init_container_resource_limits{${labels("linkerd-proxy")},resource="memory"}`]: "100x40",
      },
      { "4m": [], "5m": ["ContainerNearMemoryLimit warning"] },
    );
    await expectFiring(
      "15s",
      {
        [`kube_pod_container_status_last_terminated_reason{${labels("reviews")},reason="OOMKilled"}`]: "1x80",
        [`kube_pod_container_status_restarts_total{${labels("reviews")}}`]: "0x4 1x80",
      },
      { "1m": [], "2m": ["ContainerOutOfMemory warning"], "15m": [] },
    );
  });
});
