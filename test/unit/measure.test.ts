import { KubeConfig } from "@kubernetes/client-node";

import { copyNamespace, copyOf, VARIANTS } from "../../measure/copies";
import { overhead, type Pair } from "../../measure/overhead";
import { type Measurement, render } from "../../measure/report";
import { type Course, orderOf, runRounds } from "../../measure/rounds";
import type { Standing } from "../../measure/stage";
import { NoReport, runLoad } from "../../traffic/run";

jest.mock("../../traffic/run", () => ({ ...jest.requireActual<object>("../../traffic/run"), runLoad: jest.fn() }));

/** Rounds in which the mesh costs these percentages, on a machine that gets slower all the time. */
const rounds = (...percentages: number[]): Pair[] =>
  percentages.map((percent, i) => ({ plain: 0.004 * (1 + i), meshed: 0.004 * (1 + i) * (1 + percent / 100) }));

describe("the overhead", () => {
  it("is the rounds' own, however much slower the machine gets from round to round", () => {
    const { percent, low, high } = overhead(rounds(20, 20, 20, 20));
    for (const value of [percent, low, high]) expect(value).toBeCloseTo(20, 6);
  });

  // By hand: logarithms 0.0953, 0.1823, 0.1398; mean 0.1391, standard error 0.0251, t(97.5 %, 2) = 4.303.
  it("has the t interval of the logarithms", () => {
    const { percent, low, high } = overhead(rounds(10, 20, 15));
    expect(percent).toBeCloseTo(14.93, 2);
    expect(low).toBeCloseTo(3.15, 2);
    expect(high).toBeCloseTo(28.05, 2);
  });

  it("weighs twice as slow and twice as fast the same", () => {
    expect(overhead(rounds(100, -50)).percent).toBeCloseTo(0, 6);
  });

  it.each([
    ["within", rounds(1, 2, 1, 2)],
    ["outside", rounds(9, 10, 11, 10)],
    ["outside", rounds(-30, -31, -29, -30)],
    ["undecided", rounds(0, 10, -5, 12)],
  ])("is %s the criterion only if the whole interval is", (verdict, pairs) => {
    expect(overhead(pairs).verdict).toBe(verdict);
  });

  it("is not made up of a single round, or of none at all", () => {
    expect(() => overhead(rounds(10))).toThrow(RangeError);
    expect(() => overhead([...rounds(10), { plain: 0, meshed: 1 }])).toThrow(RangeError);
  });
});

describe("the two copies", () => {
  it("differ in the proxies only", () => {
    const [plain, meshed] = VARIANTS.map((variant) => copyNamespace("n", variant, "host/1", new Date(0)));
    expect(plain?.metadata?.annotations).toMatchObject({ "linkerd.io/inject": "disabled" });
    expect(meshed?.metadata?.annotations).toMatchObject({ "linkerd.io/inject": "enabled" });
    expect(plain?.metadata?.labels).toEqual(meshed?.metadata?.labels);
  });

  it("have one pod of each service on the same node, and go at once", () => {
    const { deployments, services, accounts } = copyOf("worker-1");
    expect(deployments.map(({ metadata }) => metadata?.name).sort()).toEqual([
      "details",
      "productpage",
      "ratings",
      "reviews",
    ]);
    for (const { spec } of deployments) {
      expect(spec?.replicas).toBe(1);
      expect(spec?.template.spec).toMatchObject({
        nodeSelector: { "kubernetes.io/hostname": "worker-1" },
        terminationGracePeriodSeconds: 1,
      });
      const names = accounts.map(({ metadata }) => metadata?.name);
      expect(names).toContain(spec?.template.spec?.serviceAccountName);
    }
    // The page's node port is the platform's.
    expect(JSON.stringify(services)).not.toContain("nodePort");
  });

  it("take turns in going first", () => {
    expect([0, 1, 2].map((round) => orderOf(round)[0])).toEqual(["plain", "meshed", "plain"]);
  });
});

describe("the table", () => {
  const latency = { mean: 0.004, p50: 0.003, p90: 0.005, p95: 0.006, p99: 0.009, p999: 0.01 };
  const variant = (proxies: number, errors = 0) => ({
    namespace: "n",
    pods: 4,
    proxies,
    errors,
    rounds: [{ requests: 100, errors, codes: {}, rate: 50, latency }],
  });
  const measured = (standIn: boolean, errors = 0): Measurement => ({
    plan: { rate: 50, rounds: 2, seconds: 15 },
    criterionPercent: 5,
    confidence: 0.95,
    proxy: { image: "cr.l5d.io/linkerd/proxy:edge-26.8.3", standIn },
    variants: { plain: variant(0), meshed: variant(4, errors) },
    overhead: {
      mean: overhead(rounds(1, 2, 1, 2)),
      p50: overhead(rounds(9, 10, 11, 10)),
      p95: overhead(rounds(0, 10, -5, 12)),
      p99: overhead(rounds(-30, -31, -29, -30)),
    },
  });

  it("stands next to the criterion", () => {
    const lines = render(measured(false)).split("\n");
    expect(lines.find((line) => line.startsWith("mean"))).toMatch(/4\.0 ms +4\.0 ms +\+1\.5 % .* ✔ within ±5 %/);
    expect(lines.find((line) => line.startsWith("p50"))).toContain("✘ outside ±5 %");
    expect(lines.find((line) => line.startsWith("p95"))).toContain("not decided");
    expect(lines.find((line) => line.startsWith("p99"))).toMatch(/−30\.0 %/);
  });

  it("says when the proxies are not Linkerd's, and when requests failed", () => {
    expect(render(measured(true))).toMatch(/stand-ins.*nothing of Linkerd/);
    expect(render(measured(false))).not.toContain("stand-in");
    expect(render(measured(false, 3))).toContain("3 requests failed");
  });
});

describe("the rounds", () => {
  const report = { requests: 100, errors: 0, codes: {}, rate: 50, latency: {} };
  const copy = (variant: Standing["variant"]): Standing => ({
    variant,
    namespace: variant,
    url: "http://page/",
    pods: [],
  });
  const again: string[] = [];
  const course: Course = {
    kubeConfig: new KubeConfig(),
    plan: { rate: 50, rounds: 2, seconds: 15 },
    copies: { plain: copy("plain"), meshed: copy("meshed") },
    clientNode: "worker-1",
    interrupt: new AbortController().signal,
    onProgress: () => undefined,
    onRound: () => undefined,
    onAgain: (variant, reason) => again.push(`${variant}: ${reason}`),
  };
  /** Ends the loads one after the other: with a report, or for a reason. */
  function loads(...reasons: (string | undefined)[]): void {
    again.length = 0;
    jest.mocked(runLoad).mockImplementation(() => {
      const reason = reasons.shift();
      return reason ? Promise.reject(new NoReport(reason)) : Promise.resolve({ report } as never);
    });
  }

  it("go on after a load that came to nothing once, and say so", async () => {
    loads(undefined, undefined, "no such host");
    const { plain, meshed } = await runRounds(course);
    expect([plain.length, meshed.length]).toEqual([2, 2]);
    expect(again).toEqual(["plain: no such host"]);
  });

  it("end with the second time", async () => {
    loads("no such host", "still no such host");
    await expect(runRounds(course)).rejects.toThrow("still no such host");
  });

  it("have no second try once they are interrupted", async () => {
    loads("interrupted");
    await expect(runRounds({ ...course, interrupt: AbortSignal.abort() })).rejects.toThrow("interrupted");
    expect(again).toEqual([]);
  });
});
