import type { Stack } from "@pulumi/pulumi/automation";

import { ApiError, type Api } from "../../../check/api";
import { figuresOf, type Figures, queries } from "../../../cli/canary/figures";
import { breach, refusal } from "../../../cli/canary/judge";
import { Split } from "../../../cli/canary/split";
import { Breach, type Hands, takeStep } from "../../../cli/canary/walk";
import { weightsAt } from "../../../cli/canary/weights";

const THIRDS = { v1: 1, v2: 1, v3: 1 };
const LIMITS = { successRate: 0.99, p99: 500, requests: 10 };
const figures = (requests: number, successRate: number, p99: number): Figures => ({ requests, successRate, p99 });

describe("weights of a step", () => {
  it.each([
    [5, { v1: 475, v2: 475, v3: 50 }],
    [25, { v1: 375, v2: 375, v3: 250 }],
    [100, { v1: 0, v2: 0, v3: 1000 }],
  ])("%d %% for v3, the rest as before", (percent, expected) => {
    expect(weightsAt("v3", percent, THIRDS)).toEqual(expected);
  });

  it("keeps the others' proportion, and a version without requests without", () => {
    expect(weightsAt("v2", 10, { v1: 70, v2: 0, v3: 30 })).toEqual({ v1: 630, v2: 100, v3: 270 });
    expect(weightsAt("v3", 50, { v1: 1, v2: 0, v3: 0 })).toEqual({ v1: 500, v2: 0, v3: 500 });
  });

  it("refuses where there is nothing to go back to, and says how to change that", () => {
    expect(() => weightsAt("v3", 5, { v1: 0, v2: 0, v3: 7 })).toThrow(/pulumi config set --path/);
  });
});

describe("the judgement", () => {
  it("is a breach from too many failures or too slow answers", () => {
    expect(breach(figures(200, 0.985, 20), LIMITS)).toMatch(/98\.50 % of 200 requests were good/);
    expect(breach(figures(200, 1, 800), LIMITS)).toMatch(/800 ms/);
    expect(breach(figures(200, 0.99, 500), LIMITS)).toBeUndefined();
  });

  it("waits for enough requests, and for a hundred before it names a 99th percentile", () => {
    expect(breach(figures(9, 0, 20), LIMITS)).toBeUndefined();
    expect(breach(figures(99, 1, 10_000), LIMITS)).toBeUndefined();
  });

  it("passes no step of which too little was seen", () => {
    expect(refusal(figures(9, 1, 20), LIMITS)).toMatch(/only 9 requests/);
    expect(refusal(undefined, LIMITS)).toMatch(/no figures/);
    expect(refusal(figures(10, 1, 20), LIMITS)).toBeUndefined();
  });
});

describe("a step", () => {
  const shifts: number[] = [];
  const hands = (ask: Hands["ask"], signal = new AbortController().signal): Hands => ({
    shift: (percent) => Promise.resolve(void shifts.push(percent)),
    ask,
    limits: LIMITS,
    signal,
    lookSeconds: 0.01,
  });
  const step = { percent: 5, pauseSeconds: 0.1 };
  const ignore = () => undefined;

  beforeEach(() => (shifts.length = 0));

  it("gives the share, watches for the pause and hands out the figures", async () => {
    const lines: string[] = [];
    const good = figures(50, 1, 20);
    expect(
      await takeStep(
        step,
        hands(() => Promise.resolve(good)),
        (line) => lines.push(line),
      ),
    ).toBe(good);
    expect(shifts).toEqual([5]);
    expect(lines[0]).toMatch(/50 requests, 100\.00 % good, p99 20 ms, 1 s to go/);
  });

  it("ends at the first look that speaks against the version", async () => {
    const start = performance.now();
    const slow = { ...step, pauseSeconds: 60 };
    const bad = hands(() => Promise.resolve(figures(50, 0.5, 20)));
    await expect(takeStep(slow, bad, ignore)).rejects.toThrow(Breach);
    expect(performance.now() - start).toBeLessThan(5_000);
  });

  it("outlives one unanswered question, but not the last one", async () => {
    let asked = 0;
    const once = () => (asked++ === 0 ? Promise.reject(new Error("busy")) : Promise.resolve(figures(50, 1, 20)));
    await expect(takeStep(step, hands(once), ignore)).resolves.toMatchObject({ requests: 50 });
    const never = hands(() => Promise.reject(new Error("gone")));
    await expect(takeStep(step, never, ignore)).rejects.toThrow(/no figures/);
  });

  it("ends with the signal", async () => {
    const controller = new AbortController();
    const walk = takeStep(
      { ...step, pauseSeconds: 60 },
      hands(() => Promise.resolve(figures(5, 1, 2)), controller.signal),
      ignore,
    );
    controller.abort();
    await expect(walk).rejects.toThrow(expect.objectContaining({ name: "AbortError" }) as Error);
  });
});

describe("figures", () => {
  const api = (answers: Record<string, number>): Api => {
    const labels = { app: "kube-prometheus-stack-prometheus" };
    const service = { metadata: { namespace: "monitoring", name: "p", labels }, spec: { ports: [{ port: 9090 }] } };
    const get = (path: string) => {
      if (path === "/api/v1/services") return Promise.resolve({ items: [service] });
      const text = decodeURIComponent(path.split("query=")[1] ?? "");
      const value = Object.entries(answers).find(([part]) => text.includes(part))?.[1];
      return Promise.resolve({
        data: { result: value === undefined ? [] : [{ metric: {}, value: [0, String(value)] }] },
      });
    };
    return { get } as unknown as Api;
  };

  it("come from the version's own proxy, meshed callers only", () => {
    for (const text of Object.values(queries("v3", "30s"))) {
      expect(text).toContain('deployment="reviews-v3",direction="inbound",tls="true"');
      expect(text).toContain("[30s]");
    }
  });

  it("know a version without failures and one without requests", async () => {
    const ask = await figuresOf(api({ histogram_quantile: 12, 'tls="true"}[': 40 }), "v3");
    expect(await ask(30)).toEqual({ requests: 40, successRate: 1, p99: 12 });
    const silent = await figuresOf(api({}), "v3");
    expect(await silent(30)).toEqual({ requests: 0, successRate: undefined, p99: undefined });
  });

  it("are refused without Prometheus", async () => {
    const none = { get: () => Promise.resolve({ items: [] }) } as unknown as Api;
    await expect(figuresOf(none, "v3")).rejects.toThrow(/blind/);
  });
});

describe("the split in configuration and cluster", () => {
  /** A stack whose `up` puts the configured weights into the cluster. */
  function world(configured?: Record<string, number>) {
    const config: Record<string, { value: string }> = {};
    if (configured) config["daybreak:reviewsWeights"] = { value: JSON.stringify(configured) };
    let cluster: Record<string, number> = configured ?? THIRDS;
    const targets: unknown[] = [];
    const stack = {
      name: "dev-k8s",
      getAllConfig: () => Promise.resolve(config),
      setAllConfig: (values: Record<string, { value: string }>) => {
        const weights = Object.entries(values).map(([key, { value }]) => [key.split(".")[1], Number(value)]);
        config["daybreak:reviewsWeights"] = { value: JSON.stringify(Object.fromEntries(weights)) };
        return Promise.resolve();
      },
      removeConfig: () => Promise.resolve(void delete config["daybreak:reviewsWeights"]),
      up: ({ target }: { target: string[] }) => {
        targets.push(target);
        const text = config["daybreak:reviewsWeights"]?.value;
        cluster = text === undefined ? THIRDS : (JSON.parse(text) as Record<string, number>);
        return Promise.resolve();
      },
    } as unknown as Stack;
    const backendRefs = () =>
      Object.entries(cluster).map(([version, weight]) => ({ name: `reviews-${version}`, weight }));
    const api = { get: () => Promise.resolve({ spec: { rules: [{ backendRefs: backendRefs() }] } }) } as unknown as Api;
    return { stack, api, config, targets, cluster: () => cluster };
  }

  it("changes with the configuration, by an update of the one route", async () => {
    const { stack, api, config, targets, cluster } = world();
    const split = await Split.open(stack, api);
    await split.set({ v1: 475, v2: 475, v3: 50 });
    expect(cluster()).toEqual({ v1: 475, v2: 475, v3: 50 });
    expect(JSON.parse(config["daybreak:reviewsWeights"]?.value ?? "")).toEqual(cluster());
    expect(targets).toEqual([["**HTTPRoute::reviews"]]);
  });

  it.each([[undefined], [{ v1: 80, v2: 20, v3: 0 }]])("goes back to what was configured: %j", async (configured) => {
    const { stack, api, config, cluster } = world(configured);
    const split = await Split.open(stack, api);
    await split.set({ v1: 0, v2: 0, v3: 1000 });
    await split.restore();
    expect(cluster()).toEqual(configured ?? THIRDS);
    expect("daybreak:reviewsWeights" in config).toBe(configured !== undefined);
  });

  it("notices an update that did not reach the cluster", async () => {
    const { stack, api } = world();
    const split = await Split.open({ ...stack, up: () => Promise.resolve() } as unknown as Stack, api);
    await expect(split.set({ v1: 0, v2: 0, v3: 1000 })).rejects.toThrow(/v1 1, v2 1, v3 1 instead of v1 0/);
  });

  it("asks for an up where there is no route yet", async () => {
    const { stack } = world();
    const api = { get: () => Promise.reject(new ApiError(404, "not found")) } as unknown as Api;
    await expect(Split.open(stack, api)).rejects.toThrow(/npm run up/);
  });
});
