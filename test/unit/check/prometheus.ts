import type { V1Namespace, V1Pod } from "@kubernetes/client-node";

import type { Cluster } from "../../../check/cluster";
import { freshnessProbes, partProbes, type Target, targetProbe } from "../../../check/groups/targets";

function target(job: string, labels: Target["labels"] = {}, more: Partial<Target> = {}): Target {
  return {
    health: "up",
    scrapeUrl: "http://a",
    lastError: "",
    scrapeInterval: "5s",
    labels: { job, ...labels },
    ...more,
  };
}

/** The jobs of a whole platform, as the real charts name them. */
const JOBS = [
  ...["apiserver", "kube-etcd", "kube-scheduler", "kube-controller-manager", "kube-proxy", "kubelet", "coredns"],
  ...["node-exporter", "kube-state-metrics", "prometheus-grafana"],
  ...["operator", "prometheus", "alertmanager"].map((part) => `prometheus-kube-prometheus-${part}`),
];

function pod(name: string, containers: string[], phase = "Running"): V1Pod {
  return {
    metadata: { name, namespace: "bookinfo" },
    spec: { containers: containers.map((container) => ({ name: container })) },
    status: { phase },
  };
}

const NAMESPACE: V1Namespace = { metadata: { name: "bookinfo", annotations: { "linkerd.io/inject": "enabled" } } };

function cluster(pods: V1Pod[]): Cluster {
  return { ...{ server: "", version: "", nodes: [], services: [], dnsDomain: "" }, pods, namespaces: [NAMESPACE] };
}

const missing = (targets: Target[], pods: V1Pod[] = []) =>
  partProbes(targets, cluster(pods))
    .filter(({ ok }) => !ok)
    .map(({ subject }) => subject);

describe("the parts among Prometheus' targets", () => {
  const platform = JOBS.map((job) => target(job));

  it("are all there on a whole platform", () => {
    expect(missing(platform)).toEqual([]);
  });

  it.each([
    ["kube-etcd", "etcd"],
    ["prometheus-grafana", "Grafana"],
    ["prometheus-kube-prometheus-prometheus", "Prometheus"],
  ])("without %s lack %s", (job, part) => {
    expect(missing(platform.filter(({ labels }) => labels.job !== job))).toEqual([part]);
  });

  it("are the proxies of all meshed pods that run, under either name of their job", () => {
    const pods = [pod("a", ["page", "linkerd-proxy"]), pod("b", ["page", "linkerd-proxy"])];
    const proxy = (job: string, name: string) => target(job, { namespace: "bookinfo", pod: name });
    expect(missing([...platform, proxy("linkerd/linkerd-proxy", "a")], pods)).toEqual(["proxy of bookinfo/b"]);
    expect(missing([...platform, proxy("linkerd-proxy", "a"), proxy("linkerd/linkerd-proxy", "b")], pods)).toEqual([]);
  });

  it("are those of what is turned on, where it is", () => {
    const logs: Cluster = { ...cluster([]), namespaces: [{ metadata: { name: "logs" } }] };
    const missed = (targets: Target[]) =>
      partProbes(targets, logs)
        .filter(({ ok }) => !ok)
        .map(({ subject }) => subject);
    expect(missed(platform)).toEqual(["Loki", "log agents"]);
    expect(missed([...platform, target("logs/loki"), target("logs/log-agent")])).toEqual([]);
  });

  it("are not the proxies of pods that are over, or have none", () => {
    expect(missing(platform, [pod("done", ["page", "linkerd-proxy"], "Succeeded"), pod("bare", ["page"])])).toEqual([]);
  });
});

describe("a target", () => {
  it("that is down says why", () => {
    const down = target("kubelet", { instance: "10.0.1.10:10250" }, { health: "down", lastError: "refused" });
    expect(targetProbe(down)).toEqual({
      subject: "kubelet 10.0.1.10:10250",
      ok: false,
      reason: "down",
      detail: "refused",
    });
  });
});

describe("figures", () => {
  const targets = [target("kubelet"), target("kubelet", {}, { scrapeInterval: "10s" }), target("coredns")];
  const late = (ages: Record<string, number>) =>
    freshnessProbes(targets, new Map(Object.entries(ages)))
      .filter(({ ok }) => !ok)
      .map(({ subject }) => subject);

  it("may be as old as the slowest interval of their job, and a second on the way", () => {
    expect(late({ kubelet: 10.9, coredns: 5.9 })).toEqual([]);
    expect(late({ kubelet: 10.9, coredns: 6.1 })).toEqual(["coredns"]);
    expect(late({ kubelet: 11.1, coredns: 1 })).toEqual(["kubelet"]);
  });

  it("that are not there at all are late", () => {
    expect(late({ kubelet: 1 })).toEqual(["coredns"]);
  });
});
