import { deploymentSpec } from "../../../../k8s/bookinfo/manifests";
import { disruptionBudget, replicas, SETTLE_SECONDS } from "../../../../k8s/bookinfo/resilience";
import { SERVICES, type ServiceName, WORKLOADS } from "../../../../k8s/bookinfo/services";
import { type Run, runK8s } from "../../k8s-program";

/** What an ordinary proxy must be told of its pod. */
const WAIT = "config.alpha.linkerd.io/proxy-wait-before-exit-seconds";
const CHOICES = { pinToControlPlane: true, channel: "edge", trust: "0123456789abcdef", traces: false } as const;

const spec = (service: ServiceName, choices: Partial<Parameters<typeof deploymentSpec>[1]> = {}) => {
  const workload = WORKLOADS.find((one) => one.service === service);
  if (!workload) throw new Error(service);
  return deploymentSpec(workload, { ...CHOICES, ...choices });
};

const podsOf = (service: ServiceName, pinToControlPlane: boolean): number =>
  WORKLOADS.filter((workload) => workload.service === service)
    .map((workload) => replicas(workload, pinToControlPlane))
    .reduce((sum, count) => sum + count, 0);

describe("a pod of Bookinfo that leaves", () => {
  it.each(WORKLOADS)("$service $version serves on while it is forgotten, and has time to finish", (workload) => {
    const pod = deploymentSpec(workload, CHOICES).template.spec;
    expect(pod.containers.map(({ lifecycle }) => lifecycle.preStop.sleep.seconds)).toEqual([SETTLE_SECONDS]);
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(SETTLE_SECONDS + 10);
  });

  it("keeps an ordinary proxy longer than the application, within the grace period", () => {
    const { metadata, spec: pod } = spec("details", { channel: "stable" }).template;
    const wait = Number((metadata.annotations as Record<string, unknown>)[WAIT]);
    expect(wait).toBeGreaterThan(SETTLE_SECONDS);
    expect(wait).toBeLessThan(pod.terminationGracePeriodSeconds);
  });

  it("asks nothing of a native sidecar: the injector would refuse the pod", () => {
    expect(Object.keys(spec("details", { channel: "edge" }).template.metadata.annotations)).not.toContain(WAIT);
  });

  it("is replaced before it goes", () => {
    for (const service of SERVICES)
      expect(spec(service).strategy.rollingUpdate).toEqual({ maxSurge: 1, maxUnavailable: 0 });
  });
});

describe("several pods of a service", () => {
  it("are wanted on different nodes, whatever version, unless they are pinned", () => {
    const constraints = (service: ServiceName, pinToControlPlane: boolean) =>
      spec(service, { pinToControlPlane }).template.spec.topologySpreadConstraints ?? [];
    expect(constraints("reviews", true)).toMatchObject([
      { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: { app: "reviews" } } },
    ]);
    expect(constraints("productpage", true)).toEqual([]);
    expect(constraints("productpage", false)).toHaveLength(1);
  });

  it("never make a single worker too few", () => {
    for (const service of SERVICES)
      for (const { whenUnsatisfiable } of spec(service).template.spec.topologySpreadConstraints ?? [])
        expect(whenUnsatisfiable).toBe("ScheduleAnyway");
  });
});

describe.each([true, false])("a drain, with pinning %s", (pinned) => {
  it.each(SERVICES)("may always take a pod of %s, and never all of those that have a budget", (service) => {
    const budget = disruptionBudget(service, pinned);
    const pods = podsOf(service, pinned);
    expect(budget === undefined).toBe(pods === 1);
    if (budget) expect(budget).toMatchObject({ maxUnavailable: 1, unhealthyPodEvictionPolicy: "AlwaysAllow" });
  });
});

describe("the program", () => {
  let pinned: Run;
  let free: Run;

  beforeAll(async () => {
    pinned = await runK8s();
    free = await runK8s({ pinToControlPlane: false });
  }, 60_000);

  it("makes a budget for each service of several pods", () => {
    const budgets = ({ resources }: Run) =>
      resources
        .filter(({ type }) => type === "kubernetes:policy/v1:PodDisruptionBudget")
        .map(({ name }) => name)
        .sort();
    expect(budgets(pinned)).toEqual(["details", "ratings", "reviews"]);
    expect(budgets(free)).toEqual(["details", "productpage", "ratings", "reviews"]);
  });

  it("holds no port of a node, so that every rolling update may surge", () => {
    const deployments = pinned.resources.filter(({ type }) => type === "kubernetes:apps/v1:Deployment");
    expect(deployments.length).toBeGreaterThan(6);
    expect(JSON.stringify(deployments)).not.toContain("hostPort");
  });
});
