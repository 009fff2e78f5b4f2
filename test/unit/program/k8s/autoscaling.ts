import type { V1Pod, V2HorizontalPodAutoscaler } from "@kubernetes/client-node";

import { autoscalerProbe, autoscaling, measureProbes } from "../../../../check/groups/autoscaling";
import type { Context } from "../../../../check/context";
import type { ClusterNode } from "../../../../check/cluster";
import { ApiError } from "../../../../check/api";
import { mostPods, PINNED_MAXIMUM } from "../../../../k8s/autoscaling/footprint";
import { WORKLOADS } from "../../../../k8s/bookinfo/services";
import { type Registered, type Run, runK8s } from "../../k8s-program";

const DEPLOYMENT = "apps/v1:Deployment";
const AUTOSCALER = "autoscaling/v2:HorizontalPodAutoscaler";
const SCALED = ["productpage-v1", "reviews-v1", "reviews-v2", "reviews-v3"];

interface AutoscalerSpec {
  scaleTargetRef: { kind: string; name: string };
  minReplicas: number;
  maxReplicas: number;
  metrics: { containerResource: { container: string; target: { averageUtilization: number } } }[];
}

let off: Run;
let on: Run;
let free: Run;

beforeAll(async () => {
  off = await runK8s();
  on = await runK8s({ autoscaling: true });
  free = await runK8s({ autoscaling: { maximum: 4, cpuPercent: 50 }, pinToControlPlane: false });
}, 60_000);

const autoscalers = ({ resources }: Run) => resources.filter(({ type }) => type === `kubernetes:${AUTOSCALER}`);
const specOf = (run: Run, name: string) => run.get(AUTOSCALER, name).inputs["spec"] as AutoscalerSpec;
const names = (resources: Registered[]) => resources.map(({ type, name }) => `${type} ${name}`).sort();

describe("autoscaling", () => {
  it("is off by default, with nothing of it there", () => {
    expect(autoscalers(off)).toEqual([]);
    expect(JSON.stringify(off.resources)).not.toContain("metrics-server");
  });

  it("adds to what there is, and takes nothing away", () => {
    expect(names(on.resources)).toEqual(expect.arrayContaining(names(off.resources)));
  });

  it("is for productpage and each version of reviews, by the application's own CPU", () => {
    expect(
      autoscalers(on)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(SCALED);
    for (const name of SCALED) {
      const { scaleTargetRef, metrics } = specOf(on, name);
      expect(scaleTargetRef).toMatchObject({ kind: "Deployment", name });
      const [deployment, metric] = [on.get(DEPLOYMENT, name), metrics[0]?.containerResource];
      const spec = deployment.inputs["spec"] as { template: { spec: { containers: { name: string }[] } } };
      expect(spec.template.spec.containers.map((container) => container.name)).toContain(metric?.container);
      expect(metric?.target.averageUtilization).toBe(200);
    }
  });

  it("takes its settings", () => {
    expect(specOf(on, "reviews-v2")).toMatchObject({ minReplicas: 1, maxReplicas: 3 });
    expect(specOf(free, "reviews-v2")).toMatchObject({ minReplicas: 1, maxReplicas: 4 });
    expect(specOf(free, "reviews-v2").metrics[0]?.containerResource.target.averageUtilization).toBe(50);
  });

  it("leaves the number of pods to the autoscaler while there is one, and takes it over when there is none", () => {
    const replicas = (run: Run, name: string) =>
      (run.get(DEPLOYMENT, name).inputs["spec"] as object)["replicas" as never];
    for (const name of SCALED) {
      expect([name, replicas(on, name)]).toEqual([name, undefined]);
      expect([name, replicas(off, name)]).toEqual([name, 1]);
      const { annotations } = off.get(DEPLOYMENT, name).inputs["metadata"] as { annotations: object };
      expect(annotations).toMatchObject({ "pulumi.com/patchForce": "true" });
    }
    expect(replicas(on, "details-v1")).toBe(2);
  });

  it("changes nothing else of what it scales", () => {
    for (const name of SCALED) {
      const { replicas, ...rest } = off.get(DEPLOYMENT, name).inputs["spec"] as { replicas: number };
      expect(replicas).toBe(1);
      expect(on.get(DEPLOYMENT, name).inputs["spec"]).toEqual(rest);
    }
  });
});

describe("how many pods there may be", () => {
  const page = WORKLOADS.find(({ service }) => service === "productpage") as (typeof WORKLOADS)[number];
  const reviews = WORKLOADS.find(({ service }) => service === "reviews") as (typeof WORKLOADS)[number];

  it("is never fewer than without an autoscaler", () => {
    expect(specOf(free, "productpage-v1")).toMatchObject({ minReplicas: 2, maxReplicas: 4 });
    expect(specOf(on, "productpage-v1")).toMatchObject({ minReplicas: 1, maxReplicas: 3 });
  });

  it("is what the control-plane node has room for, of what is pinned to it", () => {
    expect(mostPods(page, 4, true)).toBe(PINNED_MAXIMUM);
    expect(mostPods(page, 2, true)).toBe(2);
    expect(mostPods(page, 4, false)).toBe(4);
    expect(mostPods(reviews, 4, true)).toBe(4);
  });
});

describe("metrics-server", () => {
  const pod = (run: Run) =>
    (run.get(DEPLOYMENT, "metrics-server").inputs["spec"] as { template: { spec: Record<string, unknown> } }).template
      .spec;

  it("keeps to Pod Security's level restricted", () => {
    expect(pod(on)).toMatchObject({
      securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
      containers: [
        {
          securityContext: {
            runAsNonRoot: true,
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ["ALL"] },
          },
          resources: { requests: { cpu: "20m" }, limits: { memory: "160Mi" } },
        },
      ],
    });
  });

  it("is pinned with the rest", () => {
    expect(Object.keys(pod(on))).toEqual(expect.arrayContaining(["nodeSelector", "tolerations"]));
    expect(Object.keys(pod(free))).not.toContain("nodeSelector");
  });

  it("shows the API server a certificate that is verified, for the name that it is asked by", () => {
    const api = on.get("apiregistration.k8s.io/v1:APIService", "v1beta1.metrics.k8s.io");
    expect(api.inputs["spec"]).toMatchObject({
      service: { name: "metrics-server", namespace: "kube-system" },
      caBundle: Buffer.from("ANCHOR").toString("base64"),
    });
    expect(JSON.stringify(api.inputs)).not.toContain("insecureSkipTLSVerify");
    const { inputs } = on.get("selfSignedCert:SelfSignedCert", "metrics-server-certificate");
    expect(inputs["dnsNames"]).toEqual(["metrics-server.kube-system.svc"]);
  });

  it("keeps its key secret", () => {
    expect(on.get("core/v1:Secret", "metrics-server-certificate").secrets).toEqual(["stringData"]);
  });

  it("is there before its API is, and the API before whoever asks it", () => {
    const waits = (type: string, name: string) => on.get(type, name).dependsOn;
    expect(waits("apiregistration.k8s.io/v1:APIService", "v1beta1.metrics.k8s.io")).toContain("metrics-server");
    expect(waits(AUTOSCALER, "reviews-v1")).toContain("v1beta1.metrics.k8s.io");
  });

  it("may read figures, nodes and pods, and write nothing", () => {
    const roles = on.resources.filter(
      ({ type, name }) => type.endsWith(":ClusterRole") && /metrics-/.test(name) && !/viewer/.test(name),
    );
    expect(roles).toHaveLength(2);
    const rules = roles.flatMap(({ inputs }) => inputs["rules"] as { verbs: string[]; resources: string[] }[]);
    expect(new Set(rules.flatMap(({ verbs }) => verbs))).toEqual(new Set(["get", "list", "watch"]));
    expect(new Set(rules.flatMap(({ resources }) => resources))).toEqual(new Set(["nodes/metrics", "nodes", "pods"]));
  });
});

describe("the check", () => {
  const NOW = new Date("2026-11-21T12:00:00Z");
  const pod = (name: string, startTime: string, ready = true): V1Pod => ({
    metadata: { namespace: "bookinfo", name },
    status: {
      phase: "Running",
      startTime: new Date(startTime),
      conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
    },
  });

  it("misses nodes and pods that are not measured, but no pods that are new, not ready or done", () => {
    const nodes = [{ name: "worker-1" }, { name: "worker-2" }] as ClusterNode[];
    const done = pod("done", "2026-11-21T11:00:00Z", false);
    const pods = [
      { ...done, status: { ...done.status, phase: "Succeeded" } },
      pod("measured", "2026-11-21T11:00:00Z"),
      pod("forgotten", "2026-11-21T11:00:00Z"),
      pod("new", "2026-11-21T11:59:30Z"),
      pod("broken", "2026-11-21T11:00:00Z", false),
    ];
    const measured = [{ metadata: { namespace: "bookinfo", name: "measured" } }];
    const probes = measureProbes({ nodes, pods }, [{ metadata: { name: "worker-1" } }], measured, NOW);
    expect(probes.map(({ subject, ok }) => [subject, ok])).toEqual([
      ["worker-1", true],
      ["worker-2", false],
      ["bookinfo/measured", true],
      ["bookinfo/forgotten", false],
    ]);
  });

  const autoscaler = (status: object): V2HorizontalPodAutoscaler => ({
    metadata: { namespace: "bookinfo", name: "reviews-v1" },
    spec: { minReplicas: 1, maxReplicas: 3, scaleTargetRef: { kind: "Deployment", name: "reviews-v1" } },
    status: { desiredReplicas: 1, currentReplicas: 1, ...status },
  });

  it("tells what an autoscaler sees, or why it sees nothing", () => {
    const current = { averageUtilization: 34, averageValue: "34m" };
    const seeing = autoscaler({
      currentMetrics: [
        { type: "ContainerResource", containerResource: { name: "cpu", container: "reviews", current } },
      ],
    });
    expect(autoscalerProbe(seeing)).toMatchObject({ ok: true, detail: "34 % of the CPU asked for, 1 of 1 to 3 pods" });
    const message = "the HPA was unable to compute the replica count";
    const blind = autoscaler({ conditions: [{ type: "ScalingActive", status: "False", message }] });
    expect(autoscalerProbe(blind)).toMatchObject({ ok: false, reason: "missing", detail: message });
    expect(autoscalerProbe(autoscaler({}))).toMatchObject({ ok: false, detail: "it has not looked yet" });
  });

  it("says nothing where there is no metrics-server, and does not take a refusal for that", async () => {
    const answering = (status: number) =>
      ({ api: { get: () => Promise.reject(new ApiError(status, "no")) } }) as unknown as Context;
    expect(await autoscaling.run(answering(404))).toEqual([]);
    await expect(autoscaling.run(answering(403))).rejects.toThrow("no");
  });
});
