import { FOOTPRINT } from "../../../../k8s/footprint";
import { type Run, runK8s, SETTINGS } from "../../k8s-program";

type Tree = Record<string, unknown>;

const RELEASE = "helm.sh/v3:Release";

interface PrometheusSpec {
  retention: string;
  retentionSize: string;
  storageSpec: Tree;
  scrapeInterval: string;
  scrapeTimeout: string;
}

const prometheusSpec = (run: Run) =>
  (run.get(RELEASE, "prometheus").inputs["values"] as { prometheus: { prometheusSpec: PrometheusSpec } }).prometheus
    .prometheusSpec;

let standard: Run;
beforeAll(async () => {
  standard = await runK8s();
}, 60_000);

describe("retention", () => {
  it("is 15 days or 4 GiB on the node's disk", () => {
    expect(prometheusSpec(standard)).toMatchObject({ retention: "15d", retentionSize: "4GiB", storageSpec: {} });
  });

  it("is what the volume holds, less a fifth, where there is one", async () => {
    const run = await runK8s(SETTINGS);
    expect(prometheusSpec(run)).toMatchObject({
      retention: "90d",
      retentionSize: "40960MiB",
      storageSpec: {
        volumeClaimTemplate: { spec: { storageClassName: "gp3", resources: { requests: { storage: "50Gi" } } } },
      },
    });
  });

  it.each([
    [{ retentionDays: 30 }, /more than 15 days need daybreak:prometheusVolume[^]*prometheusVolume.sizeGib' 50/],
    [{ retentionDays: 91 }, /not a whole number from 1 to 90/],
    [{ prometheusVolume: { sizeGib: 50 } }, /daybreak:prometheusVolume.storageClass is not set/],
  ])("%j is refused", async (config, reason) => {
    await expect(runK8s(config)).rejects.toThrow(reason);
  });
});

describe("the scrape interval", () => {
  const intervals = (run: Run) => {
    const { prometheus, kubeApiServer, kubelet } = run.get(RELEASE, "prometheus").inputs["values"] as Tree & {
      kubeApiServer: { serviceMonitor: { interval: string } };
      kubelet: { serviceMonitor: { cAdvisorInterval: string } };
    };
    expect(prometheus).toBeDefined();
    const { podMonitor } = run.get(RELEASE, "linkerd-control-plane").inputs["values"] as { podMonitor: Tree };
    const { scrapeInterval, scrapeTimeout } = prometheusSpec(run);
    return {
      all: [scrapeInterval, scrapeTimeout, podMonitor["scrapeInterval"], podMonitor["scrapeTimeout"]],
      largest: [kubeApiServer.serviceMonitor.interval, kubelet.serviceMonitor.cAdvisorInterval],
    };
  };

  it("is 5 s, and 10 s for the largest pages", () => {
    expect(intervals(standard)).toEqual({ all: ["5s", "5s", "5s", "5s"], largest: ["10s", "10s"] });
  });

  it("is what the configuration says, for the proxies too", async () => {
    const run = await runK8s(SETTINGS);
    expect(intervals(run)).toEqual({ all: ["15s", "15s", "15s", "15s"], largest: ["15s", "15s"] });
    await expect(runK8s({ scrapeInterval: 16 })).rejects.toThrow(/not a whole number from 1 to 15/);
  });
});

describe("the footprint", () => {
  interface Container {
    name: string;
    resources: { requests: { cpu: string; memory: string }; limits: { memory: string } };
  }

  it("has every pod that the program itself makes, container by container", () => {
    const made = standard.resources.filter(({ type }) => /^kubernetes:(apps\/v1:Deployment|batch\/v1:Job)$/.test(type));
    expect(made.length).toBeGreaterThan(7);
    for (const { name, inputs } of made) {
      const { containers } = (inputs["spec"] as { template: { spec: { containers: Container[] } } }).template.spec;
      const footprint = FOOTPRINT.find(({ pod }) => pod === name);
      expect([name, Object.keys(footprint?.containers ?? {})]).toEqual([name, containers.map((one) => one.name)]);
      for (const { name: container, resources } of containers) {
        const { cpu, memory, memoryLimit } = footprint?.containers[container] ?? {};
        expect(resources).toEqual({
          requests: { cpu: `${cpu}m`, memory: `${memory}Mi` },
          limits: { memory: `${memoryLimit}Mi` },
        });
      }
    }
  });
});
