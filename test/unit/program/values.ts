import { KUBE_PROMETHEUS_STACK } from "../../../config/versions";
import { deploymentSpec, serviceSpec } from "../../../k8s/bookinfo/manifests";
import { SERVICES, WORKLOADS } from "../../../k8s/bookinfo/services";
import { autoscalingFootprint, PINNED_MAXIMUM } from "../../../k8s/autoscaling/footprint";
import { linkerdResources, resources } from "../../../k8s/budget";
import { EXTRA_FOOTPRINTS, FOOTPRINT, podBudget } from "../../../k8s/footprint";
import { placement } from "../../../k8s/placement";
import { releaseArgs } from "../../../k8s/release";
import { connections, fortioArgs, loadPod } from "../../../k8s/traffic/load";
import { mergeValues } from "../../../k8s/values";
import { MEASURE_FOOTPRINT } from "../../../measure/copies";

describe("placement", () => {
  it("is the control plane's label and a toleration of its taint, or nothing", () => {
    expect(placement(true)).toEqual({
      nodeSelector: { "node-role.kubernetes.io/control-plane": "" },
      tolerations: [{ key: "node-role.kubernetes.io/control-plane", operator: "Exists", effect: "NoSchedule" }],
    });
    expect(placement(false)).toEqual({});
  });
});

describe("merging of values", () => {
  it("goes into maps, and replaces lists and scalars", () => {
    const ours = { a: { b: 1, c: [1, 2], d: { e: true } }, f: "x" };
    expect(mergeValues(ours, { a: { c: [3], d: { g: 2 } }, h: 0 })).toEqual({
      a: { b: 1, c: [3], d: { e: true, g: 2 } },
      f: "x",
      h: 0,
    });
  });

  it("takes a key of ours out for a null, also one that is not there", () => {
    expect(mergeValues({ a: { b: 1, c: 2 } }, { a: { b: null, z: null } })).toEqual({ a: { c: 2 } });
  });

  it("puts a map where a scalar was, and a scalar where a map was", () => {
    expect(mergeValues({ a: 1, b: { c: 1 } }, { a: { d: null, e: 2 }, b: false })).toEqual({ a: { e: 2 }, b: false });
  });

  it("changes neither side", () => {
    const ours = { a: { b: 1 } };
    const users = { a: { b: 2 } };
    mergeValues(ours, users);
    expect([ours, users]).toEqual([{ a: { b: 1 } }, { a: { b: 2 } }]);
  });

  it("leaves objects that are no maps whole", () => {
    const output = new (class Output {
      inner = 1;
    })();
    expect(mergeValues({ a: { inner: 2, other: 3 } }, { a: output })["a"]).toBe(output);
  });
});

describe("a release", () => {
  const installation = {
    release: "prometheus",
    pin: KUBE_PROMETHEUS_STACK,
    namespace: "monitoring",
    timeoutSeconds: 900,
    values: { grafana: { enabled: true } },
  };

  it("without settings is what is pinned", () => {
    expect(releaseArgs(installation)).toEqual({
      name: "prometheus",
      chart: "kube-prometheus-stack",
      version: "88.5.3",
      repositoryOpts: { repo: "https://prometheus-community.github.io/helm-charts" },
      namespace: "monitoring",
      createNamespace: false,
      timeout: 900,
      waitForJobs: true,
      atomic: false,
      cleanupOnFail: true,
      maxHistory: 3,
      resetValues: true,
      values: { grafana: { enabled: true } },
    });
  });

  it("takes no other release's settings", () => {
    const settings = { charts: { "linkerd-viz": { version: "1.2.3", values: { grafana: null } } } };
    expect(releaseArgs(installation, settings)).toEqual(releaseArgs(installation));
  });
});

describe("what the nodes must carry", () => {
  /**
   * A t3.medium: 2 vCPU, and of its 4 GiB about 3.8 that Linux sees, less the 100 MiB at which the kubelet evicts.
   */
  const NODE = { cpu: 2000, memory: 3700 };
  /**
   * Beside our pods. CPU: requests of kubeadm's static pods (apiserver 250, controller-manager 200, scheduler 100,
   * etcd 100), both CoreDNS (200), flannel (100). Memory, used: a control plane of this size about 900 MiB in all.
   */
  const CONTROL_PLANE = { cpu: 950, memory: 900 };
  /** flannel, kube-proxy, kubelet and containerd on a worker. */
  const WORKER = { cpu: 100, memory: 350 };

  const total = (chosen: typeof FOOTPRINT, nodes: number) => {
    const pods = chosen.flatMap((pod) =>
      Array.from({ length: pod.replicas === "node" ? nodes : pod.replicas }, () => podBudget(pod)),
    );
    const sum = (key: "cpu" | "memory") => pods.reduce((all, pod) => all + pod[key], 0);
    return { cpu: sum("cpu"), memory: sum("memory") };
  };
  const everything = [...FOOTPRINT, ...Object.values(EXTRA_FOOTPRINTS).flat()];
  const chosen = { "nothing that is off by default": FOOTPRINT, "logs and traces": everything };

  describe.each(Object.entries(chosen))("with %s", (_, pods) => {
    const everywhere = pods.filter(({ replicas }) => replicas === "node");
    const pinned = pods.filter((pod) => pod.pinned);
    const free = pods.filter((pod) => !pod.pinned && pod.replicas !== "node");

    it("fits three t3.medium together", () => {
      const { cpu, memory } = total(pods, 3);
      expect(cpu + CONTROL_PLANE.cpu + 2 * WORKER.cpu).toBeLessThanOrEqual(3 * NODE.cpu);
      expect(memory + CONTROL_PLANE.memory + 2 * WORKER.memory).toBeLessThanOrEqual(3 * NODE.memory);
    });

    it("fits one of them where it is pinned, with room for a pod that is being replaced", () => {
      const { cpu, memory } = total([...pinned, ...everywhere], 1);
      const largest = pinned.map(podBudget).reduce((a, b) => (a.memory > b.memory ? a : b));
      expect(cpu + CONTROL_PLANE.cpu + largest.cpu).toBeLessThanOrEqual(NODE.cpu);
      expect(memory + CONTROL_PLANE.memory + largest.memory).toBeLessThanOrEqual(NODE.memory);
    });

    it("fits a single worker where it is not: the least that the configuration allows", () => {
      const { cpu, memory } = total([...free, ...everywhere], 1);
      expect(cpu + WORKER.cpu).toBeLessThanOrEqual(NODE.cpu);
      expect(memory + WORKER.memory).toBeLessThanOrEqual(NODE.memory);
    });

    it("leaves room on that worker for a measurement of the mesh's overhead", () => {
      const { cpu, memory } = total([...free, ...everywhere, ...MEASURE_FOOTPRINT], 1);
      expect(cpu + WORKER.cpu).toBeLessThanOrEqual(NODE.cpu);
      expect(memory + WORKER.memory).toBeLessThanOrEqual(NODE.memory);
    });
  });

  describe.each([
    ["nothing else", FOOTPRINT, 3],
    ["logs and traces", everything, 2],
  ])("with as many pods as autoscaling may make, and %s", (_, others, onOneWorker) => {
    const atMost = (maximum: number) => [...others, ...autoscalingFootprint(maximum)];

    /** Everything that is not pinned, on that many workers. */
    const fitsWorkers = (pods: typeof FOOTPRINT, workers: number): boolean => {
      const { cpu, memory } = total(pods, workers);
      const room = { cpu: NODE.cpu - WORKER.cpu, memory: NODE.memory - WORKER.memory };
      return cpu <= workers * room.cpu && memory <= workers * room.memory;
    };

    it.each([
      [onOneWorker, 1, true],
      [onOneWorker + 1, 1, false],
      [4, 2, true],
    ])("%i of each version of reviews beside the rest on %i workers: %s", (maximum, workers, expected) => {
      const free = atMost(maximum).filter((pod) => !pod.pinned);
      expect(fitsWorkers(free, workers)).toBe(expected);
    });

    it("fits the control-plane node, with room for a pod that is being replaced and for no productpage more", () => {
      const pods = atMost(PINNED_MAXIMUM).filter((pod) => pod.pinned || pod.replicas === "node");
      const { cpu, memory } = total(pods, 1);
      const largest = FOOTPRINT.filter((pod) => pod.pinned)
        .map(podBudget)
        .reduce((a, b) => (a.memory > b.memory ? a : b));
      const used = {
        cpu: cpu + CONTROL_PLANE.cpu + largest.cpu,
        memory: memory + CONTROL_PLANE.memory + largest.memory,
      };
      expect(used.cpu).toBeLessThanOrEqual(NODE.cpu);
      expect(used.memory).toBeLessThanOrEqual(NODE.memory);
      const page = FOOTPRINT.find(({ pod }) => pod === "productpage-v1");
      expect(used.cpu + (page ? podBudget(page).cpu : 0)).toBeGreaterThan(NODE.cpu);
    });

    it("fits two workers without pinning, where the page may have as many pods as the rest", () => {
      const pods = atMost(4).map((pod) =>
        pod.pod === "productpage-v1" && pod.replicas !== 1 ? { ...pod, replicas: 3 } : pod,
      );
      expect(fitsWorkers(pods, 2)).toBe(true);
    });
  });

  it("has a request and a memory limit for every container, the limit above the request", () => {
    for (const pod of everything)
      for (const budget of Object.values(pod.containers)) {
        expect(budget.cpu).toBeGreaterThan(0);
        expect(budget.memoryLimit).toBeGreaterThan(budget.memory);
      }
  });

  it("gives Grafana more than the 192 MiB at which it was killed", () => {
    const grafana = FOOTPRINT.find(({ pod }) => pod === "grafana");
    expect(grafana?.containers["grafana"]?.memoryLimit).toBeGreaterThan(192);
  });

  it("is said in the words of Kubernetes and of Linkerd", () => {
    const budget = { cpu: 10, memory: 20, memoryLimit: 30 };
    expect(resources(budget)).toEqual({ requests: { cpu: "10m", memory: "20Mi" }, limits: { memory: "30Mi" } });
    expect(linkerdResources(budget)).toEqual({ cpu: { request: "10m" }, memory: { request: "20Mi", limit: "30Mi" } });
  });
});

describe("Bookinfo", () => {
  const specs = WORKLOADS.map((workload) => ({
    workload,
    spec: deploymentSpec(workload, {
      pinToControlPlane: true,
      channel: "edge",
      trust: "0123456789abcdef",
      traces: false,
    }),
  }));

  it("is details, ratings, productpage and reviews in three versions, at the seeds' release", () => {
    expect(WORKLOADS.map(({ image }) => image).sort()).toEqual([
      "docker.io/istio/examples-bookinfo-details-v1:1.18.0",
      "docker.io/istio/examples-bookinfo-productpage-v1:1.18.0",
      "docker.io/istio/examples-bookinfo-ratings-v1:1.18.0",
      "docker.io/istio/examples-bookinfo-reviews-v1:1.18.0",
      "docker.io/istio/examples-bookinfo-reviews-v2:1.18.0",
      "docker.io/istio/examples-bookinfo-reviews-v3:1.18.0",
    ]);
  });

  it("opens a node port for the page only", () => {
    expect(SERVICES.map((service) => serviceSpec(service).type)).toEqual([
      "ClusterIP",
      "ClusterIP",
      "ClusterIP",
      "NodePort",
    ]);
    expect(serviceSpec("productpage").ports).toEqual([
      { name: "http", port: 9080, targetPort: 9080, protocol: "TCP", appProtocol: "http", nodePort: 30080 },
    ]);
  });

  it.each(specs)("$workload.service $workload.version runs unprivileged, under its own account, probed", ({ spec }) => {
    const pod = spec.template.spec;
    expect(pod.serviceAccountName).toMatch(/^bookinfo-/);
    expect(pod.automountServiceAccountToken).toBe(false);
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
    for (const container of pod.containers) {
      expect(container.securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        capabilities: { drop: ["ALL"] },
      });
      expect(container.readinessProbe.httpGet).toEqual({ path: "/health", port: 9080 });
      expect(container.startupProbe.failureThreshold * container.startupProbe.periodSeconds).toBeGreaterThanOrEqual(60);
    }
  });

  it("gives reviews its writable directories", () => {
    const [container] = specs.find(({ workload }) => workload.version === "v2")?.spec.template.spec.containers ?? [];
    expect(container?.env).toEqual([{ name: "LOG_DIR", value: "/tmp/logs" }]);
    expect(container?.volumeMounts.map(({ mountPath }) => mountPath)).toEqual(["/tmp", "/opt/ibm/wlp/output"]);
  });
});

describe("fortio", () => {
  const load = { url: "http://page/", rate: 100, extent: "forever" as const };

  it("runs on, or for a time, or for a number of requests", () => {
    expect(fortioArgs(load).join(" ")).toContain(" -t 0 ");
    expect(fortioArgs({ ...load, extent: { seconds: 30 } }).join(" ")).toContain(" -t 30s ");
    expect(fortioArgs({ ...load, extent: { requests: 50 } }).join(" ")).toContain(" -n 50 ");
  });

  it.each([
    [1, 1],
    [10, 2],
    [100, 20],
    [1000, 200],
  ])("takes enough connections for %d requests/s", (rate, expected) => {
    expect(connections(rate)).toBe(expected);
  });

  it("is never told a rate of 0, which it takes for no limit", () => {
    expect(() => fortioArgs({ ...load, rate: 0 })).toThrow(RangeError);
  });

  it("runs unprivileged on a root that nobody can write", () => {
    const pod = loadPod(load);
    expect(pod.securityContext.runAsNonRoot).toBe(true);
    expect(pod.containers[0]?.securityContext).toMatchObject({ readOnlyRootFilesystem: true });
  });
});
