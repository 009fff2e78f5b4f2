import { summarize } from "../../../lab/pulumi";
import { inShell, lab as command, shell } from "../lab-cli";
import { tell } from "../tell";
import { until } from "../until";
import { upWith } from "./config";

const MINUTE = 60_000;

/** Deployments that have an autoscaler. */
const SCALED = ["productpage-v1", "reviews-v1", "reviews-v2", "reviews-v3"];

/** Low enough for the lab's Bookinfo, which does little: 40 thousandths of a CPU. The rest is as a user would find it. */
const SETTINGS = { "autoscaling.maximum": "2", "autoscaling.cpuPercent": "40" };

interface CheckReport {
  groups: { name: string; checks: { status: string; probes: { subject: string; ok: boolean; detail?: string }[] }[] }[];
}

interface Autoscaler {
  metadata: { name: string };
  status: { currentMetrics?: { containerResource?: { current: { averageUtilization?: number } } }[] };
}

function failuresOf(group: CheckReport["groups"][number] | undefined): string[] {
  const probes = group?.checks.flatMap((check) => check.probes) ?? [];
  return probes.filter(({ ok }) => !ok).map(({ subject, detail }) => `${subject}: ${detail}`);
}

/** metrics-server and the autoscalers: turned on, under load, and turned off again. */
export function autoscalingOnThePlatform(lab: string): void {
  const kubectl = (...args: string[]) => shell(lab, ["kubectl", ...args]);

  /** Pods wanted of each Deployment. */
  async function replicas(): Promise<Record<string, number>> {
    const path = '{range .items[*]}{.metadata.name}={.spec.replicas}{"\\n"}{end}';
    const lines = (await kubectl("get", "deployments", "-n", "bookinfo", "-o", `jsonpath=${path}`)).trim().split("\n");
    const all = lines.map((line) => line.split("=")).map(([name = "", count]) => [name, Number(count)] as const);
    return Object.fromEntries(all.filter(([name]) => SCALED.includes(name)));
  }

  const sum = (counts: Record<string, number>) => Object.values(counts).reduce((total, count) => total + count, 0);

  /** What each autoscaler sees, in percent. */
  async function figures(): Promise<(number | undefined)[]> {
    const { items } = JSON.parse(await kubectl("get", "hpa", "-n", "bookinfo", "-o", "json")) as {
      items: Autoscaler[];
    };
    return items.map(({ status }) => status.currentMetrics?.[0]?.containerResource?.current.averageUtilization);
  }

  async function group(): Promise<CheckReport["groups"][number] | undefined> {
    const { stdout } = await inShell(lab, ["npm", "run", "-s", "check", "--", "--stack", "lab", "--json"]);
    return (JSON.parse(stdout) as CheckReport).groups.find(({ name }) => name === "autoscaling");
  }

  let before: Record<string, number>;

  beforeAll(async () => {
    before = await replicas();
    // The lab was raised without extras: its mirror gets the image while it lives.
    await command("build", "--extras=autoscaling");
    await upWith(lab, SETTINGS);
  }, 30 * MINUTE);

  it(
    "shows what nodes and pods use",
    async () => {
      const nodes = (await kubectl("top", "nodes", "--no-headers")).trim().split("\n");
      expect(nodes).toHaveLength(3);
      for (const node of nodes) expect(node).toMatch(/^\S+ +\d+m +\d+% +[1-9]\d*Mi +\d+%/);
      const measured = ["productpage", "reviews", "linkerd-proxy"].map(
        (container) => new RegExp(` ${container} +\\d+m +[1-9]\\d*Mi`),
      );
      // metrics-server has figures of a pod once it has seen it twice.
      const { answer: pods } = await until(
        () => kubectl("top", "pods", "-n", "bookinfo", "--containers", "--no-headers"),
        (lines) => measured.every((pattern) => pattern.test(lines)),
        120,
      );
      for (const pattern of measured) expect(pods).toMatch(pattern);
    },
    3 * MINUTE,
  );

  it(
    "passes its own group of the check: everything is measured, every autoscaler has its figure",
    async () => {
      const { answer: found } = await until(group, (result) => failuresOf(result).length === 0, 240);
      expect(failuresOf(found)).toEqual([]);
      expect(found?.checks.map(({ status }) => status)).toEqual(["passed", "passed"]);
      const subjects = found?.checks.flatMap(({ probes }) => probes.map(({ subject }) => subject)) ?? [];
      expect(subjects).toEqual(expect.arrayContaining(["worker-1", ...SCALED.map((name) => `bookinfo/${name}`)]));
    },
    10 * MINUTE,
  );

  it(
    "answers a load with more pods, loses no request by it, and up leaves their number alone",
    async () => {
      const report = inShell(lab, [
        "npm",
        "run",
        "-s",
        "traffic",
        "--",
        "--rate",
        "100",
        "--duration",
        "150s",
        "--json",
      ]);
      const { answer: more, seconds } = await until(replicas, (counts) => sum(counts) > sum(before), 150);
      tell(`after ${seconds.toFixed(0)} s: ${JSON.stringify(more)}`);
      expect(sum(more)).toBeGreaterThan(sum(before));
      const { stdout } = await report;
      expect(JSON.parse(stdout)).toMatchObject({ errors: 0 });
      const { unchanged, ...changes } = await upWith(lab, SETTINGS);
      expect(changes).toEqual({});
      expect(unchanged).toBeGreaterThan(10);
      // Down is slow on purpose: five minutes after the load there are as many as there were under it.
      expect(sum(await replicas())).toBeGreaterThanOrEqual(sum(more));
    },
    10 * MINUTE,
  );

  it(
    "goes without a trace when it is turned off",
    async () => {
      // An autoscaler with a load to answer might answer it once more before it goes.
      await until(figures, (all) => all.every((figure) => figure !== undefined && figure < 40), 120);
      await shell(lab, ["pulumi", "up", "--stack", "lab-k8s", "--yes", "--skip-preview"]);
      expect(await replicas()).toEqual(before);
      expect(await kubectl("get", "hpa", "-A", "-o", "name")).toBe("");
      expect(
        await kubectl("get", "deployments,services", "-n", "kube-system", "-l", "k8s-app=metrics-server", "-o", "name"),
      ).toBe("");
      expect((await inShell(lab, ["kubectl", "top", "nodes"])).exitCode).not.toBe(0);
      expect((await group())?.checks).toEqual([]);
      const second = await shell(lab, ["pulumi", "up", "--stack", "lab-k8s", "--yes", "--skip-preview"]);
      const { unchanged, ...changes } = summarize(second);
      expect(changes).toEqual({});
      expect(unchanged).toBeGreaterThan(10);
    },
    10 * MINUTE,
  );
}
