import { parse } from "yaml";

import { resources } from "../../../../k8s/budget";
import { TRACES_DASHBOARD } from "../../../../k8s/traces/dashboard";
import { TRACES_FOOTPRINT } from "../../../../k8s/traces/footprint";
import { type Registered, type Run, runK8s } from "../../k8s-program";
import { allows, call, type End, pod, policiesOf } from "../../policy-evaluator";

type Tree = Record<string, unknown>;

const DEPLOYMENT = "apps/v1:Deployment";

interface Template {
  metadata: { labels: Tree; annotations: Record<string, string> };
  spec: {
    serviceAccountName?: string;
    automountServiceAccountToken?: boolean;
    securityContext: Tree;
    containers: { name: string; resources: Tree; securityContext: Tree; ports: { name: string }[] }[];
  };
}

let off: Run;
let on: Run;

beforeAll(async () => {
  off = await runK8s();
  on = await runK8s({ traces: true, traceLimit: 200 });
}, 60_000);

const template = (run: Run, name: string) =>
  (run.get(DEPLOYMENT, name).inputs["spec"] as { template: Template }).template;

function config<T>(name: string): T {
  const { data } = on.get("core/v1:ConfigMap", name).inputs as { data: Record<string, string> };
  return parse(data["config.yaml"] ?? "") as T;
}

const proxyOf = (run: Run) =>
  (run.get("helm.sh/v3:Release", "linkerd-control-plane").inputs["values"] as { proxy: Tree }).proxy;

/** Name and port of a service as other pods call it. */
function address(name: string): string {
  const { metadata } = on.get("core/v1:Service", name).inputs as { metadata: { name: string; namespace: string } };
  return `${metadata.name}.${metadata.namespace}.svc.cluster.local`;
}

describe("traces", () => {
  it("are off unless asked for", () => {
    expect(off.resources.filter(({ inputs }) => /jaeger|tracing/.test(JSON.stringify(inputs)))).toEqual([]);
    expect(off.outputs["versions"]).not.toHaveProperty("jaeger");
    expect(on.outputs["versions"]).toMatchObject({ jaeger: expect.stringMatching(/^2\./) as string });
  });

  it("are refused on the stable line, whose chart cannot turn them on", async () => {
    const stable = { linkerdChannel: "stable", allowUnsupportedVersions: true };
    await expect(runK8s({ ...stable, traces: true })).rejects.toThrow(
      /daybreak:traces = true[^]*linkerdChannel is stable[^]*daybreak:linkerdChannel edge/,
    );
    await expect(runK8s(stable)).resolves.toBeDefined();
  });

  it.each([[{ traceLimit: 99 }], [{ traceLimit: 10_001 }]])("%j is refused", async (wanted) => {
    await expect(runK8s({ traces: true, ...wanted })).rejects.toThrow(/not a whole number from 100 to 10000/);
  });
});

describe("the mesh", () => {
  it("has proxies send spans to the collector's service, and trusts the certificate of the account that it runs as", () => {
    const { tracing } = proxyOf(on) as { tracing: { collector: { endpoint: string; meshIdentity: Tree } } };
    expect(tracing).toMatchObject({ enabled: true });
    expect(tracing.collector.endpoint).toBe(`${address("trace-collector")}:4317`);
    const account = on.get("core/v1:ServiceAccount", "trace-collector").inputs["metadata"] as Tree;
    expect(tracing.collector.meshIdentity).toEqual({
      serviceAccountName: account["name"],
      namespace: account["namespace"],
    });
    expect(template(on, "trace-collector").spec.serviceAccountName).toBe(account["name"]);
    expect(template(on, "trace-collector").metadata.annotations).toMatchObject({ "linkerd.io/inject": "enabled" });
  });

  it("gets new proxies where traces are turned on or off, and only then", () => {
    const meshed = ["productpage-v1", "details-v1", "reviews-v3", "ratings-v1", "traffic"];
    for (const name of meshed) {
      expect(template(off, name).metadata.annotations).not.toHaveProperty("daybreak/traces");
      expect(template(on, name).metadata.annotations).toEqual({
        ...template(off, name).metadata.annotations,
        "daybreak/traces": "on",
      });
    }
  });

  it("has its injector before the collector is made", () => {
    const before = new Set<string>();
    const visit = ({ dependsOn }: Registered): void =>
      dependsOn.forEach((name) => {
        if (before.has(name)) return;
        before.add(name);
        on.resources.filter((one) => one.name === name).forEach(visit);
      });
    visit(on.get(DEPLOYMENT, "trace-collector"));
    expect([...before]).toEqual(expect.arrayContaining(["injector-wait", "linkerd-control-plane"]));
    expect(on.get(DEPLOYMENT, "jaeger").dependsOn).not.toContain("injector-wait");
  });
});

describe("the collector", () => {
  interface CollectorConfig {
    processors: { k8s_attributes: { extract: { labels: Tree[] } }; resource: { attributes: Tree[] } };
    exporters: { otlp_grpc: { endpoint: string } };
    service: { pipelines: { traces: Tree } };
  }

  it("calls spans by their pod's application before it sends them to Jaeger", () => {
    const { processors, exporters, service } = config<CollectorConfig>("trace-collector");
    expect(processors.k8s_attributes.extract.labels).toContainEqual({ tag_name: "app", key: "app", from: "pod" });
    expect(processors.resource.attributes).toEqual([{ key: "service.name", action: "upsert", from_attribute: "app" }]);
    expect(service.pipelines.traces).toEqual({
      receivers: ["otlp"],
      processors: ["memory_limiter", "k8s_attributes", "resource"],
      exporters: ["otlp_grpc"],
    });
    expect(exporters.otlp_grpc.endpoint).toBe(`${address("jaeger")}:4317`);
  });

  it("may read pods and namespaces, and nothing else", () => {
    const { rules } = on.get("rbac.authorization.k8s.io/v1:ClusterRole", "trace-collector").inputs;
    expect(rules).toEqual([{ apiGroups: [""], resources: ["pods", "namespaces"], verbs: ["get", "list", "watch"] }]);
  });
});

describe("Jaeger", () => {
  it("keeps as many traces as the configuration says, in memory", () => {
    expect(config("jaeger")).toMatchObject({
      extensions: {
        jaeger_storage: { backends: { memory: { memory: { max_traces: 200 } } } },
        jaeger_query: { storage: { traces: "memory" } },
      },
      exporters: { jaeger_storage_exporter: { trace_storage: "memory" } },
    });
    expect(template(on, "jaeger").spec.automountServiceAccountToken).toBe(false);
  });

  it("is asked by a dashboard, in the menu of the others", () => {
    const { metadata, data } = on.get("core/v1:ConfigMap", TRACES_DASHBOARD).inputs as {
      metadata: Tree;
      data: Record<string, string>;
    };
    expect(metadata).toMatchObject({ namespace: "monitoring", labels: { grafana_dashboard: "1" } });
    expect(JSON.parse(data[`${TRACES_DASHBOARD}.json`] ?? "")).toMatchObject({
      tags: ["daybreak"],
      links: [{ tags: ["daybreak"] }],
      panels: [{ targets: [{ datasource: { uid: "jaeger" }, queryType: "search", service: "$service" }] }],
    });
  });

  it("is a data source of Grafana, at its service's port", () => {
    const { data } = on.get("core/v1:ConfigMap", "grafana-datasource-jaeger").inputs as {
      data: Record<string, string>;
    };
    expect(parse(data["jaeger.yaml"] ?? "")).toMatchObject({
      prune: true,
      datasources: [{ uid: "jaeger", type: "jaeger", url: `http://${address("jaeger")}:16686` }],
    });
  });
});

describe("both", () => {
  it("ask for what their footprints say, unprivileged, and are read by Prometheus", () => {
    for (const { pod, containers } of TRACES_FOOTPRINT) {
      const { spec, metadata } = template(on, pod);
      const [[name, budget] = []] = Object.entries(containers);
      expect(spec.containers.map((one) => [one.name, one.resources])).toEqual([[name, budget && resources(budget)]]);
      expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
      expect(spec.containers[0]?.securityContext).toMatchObject({
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
      const monitor = on.get("monitoring.coreos.com/v1:PodMonitor", pod).inputs["spec"] as {
        selector: { matchLabels: Tree };
        podMetricsEndpoints: [{ port: string }];
      };
      expect(metadata.labels).toMatchObject(monitor.selector.matchLabels);
      expect(spec.containers[0]?.ports.map((port) => port.name)).toContain(monitor.podMetricsEndpoints[0].port);
    }
  });
});

describe("network policies of the traces", () => {
  const jaeger = pod("traces", { app: "jaeger" });
  const collector = pod("traces", { app: "trace-collector" });
  const page = pod("bookinfo", { app: "productpage" });
  const grafana = pod("monitoring", { "app.kubernetes.io/name": "grafana" });
  const apiServer: End = { address: "10.0.1.10" };

  it.each([
    ["a proxy sends spans", call(page, collector, 4317)],
    ["a proxy sends spans to the collector's proxy", call(page, collector, 4143)],
    ["a proxy that started a moment ago", call({ address: "10.244.1.77" }, collector, 4143)],
    ["the generator's proxy sends spans", call(pod("traffic", { app: "traffic" }), collector, 4143)],
    ["the collector sends spans on", call(collector, jaeger, 4317)],
    ["the collector asks whose they are", call(collector, apiServer, 6443)],
    ["the collector's proxy fetches its certificate", call(collector, pod("linkerd", {}), 8080)],
    ["Grafana asks Jaeger", call(grafana, jaeger, 16686)],
    ["the API server asks Jaeger for somebody", call(apiServer, jaeger, 16686)],
    ["Prometheus reads Jaeger", call(pod("monitoring", { "app.kubernetes.io/name": "prometheus" }), jaeger, 8888)],
  ])("%s", (_, wanted) => {
    expect(allows(policiesOf(on), wanted)).toBe(true);
  });

  it.each([
    ["the application and Jaeger", call(page, jaeger, 16686)],
    ["spans around the collector", call(page, jaeger, 4317)],
    ["a stranger and Jaeger's page", call(pod("default", {}), jaeger, 16686)],
    ["Jaeger and the API server", call(jaeger, apiServer, 6443)],
    ["the collector and the internet", call(collector, { address: "203.0.113.200" }, 443)],
  ])("shut: %s", (_, wanted) => {
    expect(allows(policiesOf(on), wanted)).toBe(false);
  });

  it("leave the application no way there while traces are off", () => {
    expect(allows(policiesOf(off), call(page, collector, 4317))).toBe(false);
  });
});
