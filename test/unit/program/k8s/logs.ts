import { parse } from "yaml";

import { LOGS_DASHBOARD } from "../../../../k8s/logs/dashboard";
import { LOGS_FOOTPRINT } from "../../../../k8s/logs/footprint";
import { ingestionRate } from "../../../../k8s/logs/loki";
import { resources } from "../../../../k8s/budget";
import { type Registered, type Run, runK8s } from "../../k8s-program";
import { allows, call, pod, policiesOf } from "../../policy-evaluator";

type Tree = Record<string, unknown>;

interface PodSpec {
  automountServiceAccountToken: boolean;
  nodeSelector?: Tree;
  tolerations?: Tree[];
  securityContext: Tree;
  containers: {
    name: string;
    resources: Tree;
    securityContext: Tree;
    ports: { name: string; containerPort: number }[];
    volumeMounts: { name: string; mountPath: string; readOnly?: boolean }[];
  }[];
  volumes: { name: string; hostPath?: { path: string }; emptyDir?: { sizeLimit: string } }[];
}

interface Template {
  metadata: { labels: Tree; annotations: Record<string, string> };
  spec: PodSpec;
}

let off: Run;
let on: Run;
/** Kept for a week, on a larger disk. */
let longer: Run;

beforeAll(async () => {
  off = await runK8s();
  on = await runK8s({ logs: true });
  longer = await runK8s({ logs: true, logRetentionHours: 168, logVolumeGib: 16 });
}, 60_000);

const template = (run: Run, type: string, name: string) =>
  (run.get(type, name).inputs["spec"] as { template: Template }).template;
const loki = (run: Run) => template(run, "apps/v1:Deployment", "loki");
const agent = (run: Run) => template(run, "apps/v1:DaemonSet", "log-agent");

function config<T>(run: Run, name: string): T {
  const { data } = run.get("core/v1:ConfigMap", name).inputs as { data: Record<string, string> };
  return parse(data["config.yaml"] ?? "") as T;
}

const added = (): Registered[] => {
  const before = new Set(off.resources.map(({ type, name }) => `${type} ${name}`));
  return on.resources.filter(({ type, name }) => !before.has(`${type} ${name}`));
};

describe("logs", () => {
  it("are off unless asked for, and change nothing else when they are on", () => {
    expect(off.resources.filter(({ inputs }) => JSON.stringify(inputs).includes("loki"))).toEqual([]);
    const unchanged = (run: Run) =>
      run.resources
        .filter(({ type, name }) => off.resources.some((one) => one.type === type && one.name === name))
        .map(({ type, name, inputs }) => ({ type, name, inputs }))
        .sort((a, b) => `${a.type} ${a.name}`.localeCompare(`${b.type} ${b.name}`));
    expect(unchanged(on)).toEqual(unchanged(off));
    expect(on.outputs["versions"]).toMatchObject({ loki: expect.stringMatching(/^3\./) as string });
    expect(off.outputs["versions"]).not.toHaveProperty("loki");
  });

  it("wait for nothing but their own parts, Grafana's namespace and the monitors' types", () => {
    const own = new Set(added().map(({ name }) => name));
    const waits = added()
      .flatMap(({ dependsOn }) => dependsOn)
      .filter((name) => !own.has(name));
    // The policies wait for all namespaces, those of the logs among them.
    const namespaces = ["bookinfo", "linkerd", "linkerd-viz", "traffic"];
    expect(
      [...new Set(waits)].filter((name) => !namespaces.includes(name) && !name.startsWith("node-")).sort(),
    ).toEqual(["monitoring", "prometheus-crds"]);
  });

  it.each([
    [{ logs: true, logRetentionHours: 169 }, /not a whole number from 1 to 168/],
    [{ logs: true, logVolumeGib: 0 }, /not a whole number from 1 to 100/],
    [{ logs: "perhaps" }, /neither true nor false/],
  ])("%j is refused", async (wanted, reason) => {
    await expect(runK8s(wanted)).rejects.toThrow(reason);
  });
});

describe("Loki", () => {
  interface LokiConfig {
    server: { http_listen_port: number };
    limits_config: { retention_period: string; ingestion_rate_mb: number; ingestion_burst_size_mb: number };
    compactor: { retention_enabled: boolean; working_directory: string; delete_request_store: string };
    common: { path_prefix: string };
  }

  it("takes lines away after the time that is configured, in the folder that it may write", () => {
    const { limits_config, compactor, common } = config<LokiConfig>(on, "loki");
    expect(limits_config.retention_period).toBe("24h");
    expect(config<LokiConfig>(longer, "loki").limits_config.retention_period).toBe("168h");
    expect(compactor).toMatchObject({ retention_enabled: true, delete_request_store: "filesystem" });
    const [container] = loki(on).spec.containers;
    const writable = container?.volumeMounts.filter(({ readOnly }) => !readOnly).map(({ mountPath }) => mountPath);
    expect(writable).toEqual([common.path_prefix, "/tmp"]);
    expect(compactor.working_directory.startsWith(common.path_prefix)).toBe(true);
  });

  it("refuses what would fill its disk before the time is over, a fifth of the lines' size counted", () => {
    for (const { hours, volumeGib } of [
      { hours: 24, volumeGib: 4 },
      { hours: 168, volumeGib: 16 },
      { hours: 1, volumeGib: 1 },
    ]) {
      const onDisk = (ingestionRate({ hours, volumeGib }) * hours * 3600) / 5;
      expect(onDisk).toBeLessThanOrEqual(volumeGib * 1024);
      expect(onDisk).toBeGreaterThan(volumeGib * 1024 * 0.98);
    }
    expect(config<LokiConfig>(on, "loki").limits_config.ingestion_rate_mb).toBe(
      ingestionRate({ hours: 24, volumeGib: 4 }),
    );
    expect(loki(on).spec.volumes).toContainEqual({ name: "data", emptyDir: { sizeLimit: "4Gi" } });
    expect(loki(longer).spec.volumes).toContainEqual({ name: "data", emptyDir: { sizeLimit: "16Gi" } });
  });

  it("runs once, on a worker, unprivileged, and is made anew with another configuration", () => {
    const { spec, metadata } = loki(on);
    expect(on.get("apps/v1:Deployment", "loki").inputs["spec"]).toMatchObject({
      replicas: 1,
      strategy: { type: "Recreate" },
    });
    expect(spec).not.toHaveProperty("nodeSelector");
    expect(spec.automountServiceAccountToken).toBe(false);
    expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 10001 });
    expect(spec.containers[0]?.securityContext).toMatchObject({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    expect(loki(longer).metadata.annotations["daybreak/config"]).not.toBe(metadata.annotations["daybreak/config"]);
  });
});

describe("the agent", () => {
  interface AgentConfig {
    receivers: { file_log: { include: string[]; exclude: string[] } };
    exporters: { otlp_http: { endpoint: string } };
    extensions: { health_check: { endpoint: string }; file_storage: { directory: string } };
    service: { extensions: string[]; pipelines: { logs: Record<string, string[]> } };
  }

  it("reads every pod's lines on every node, and nothing else of it", () => {
    const { spec } = agent(on);
    expect(spec.tolerations).toEqual([{ operator: "Exists" }]);
    const host = spec.volumes.filter(({ hostPath }) => hostPath).map(({ name, hostPath }) => [name, hostPath?.path]);
    expect(host).toEqual([["pod-logs", "/var/log/pods"]]);
    expect(spec.containers[0]?.volumeMounts).toContainEqual({
      name: "pod-logs",
      mountPath: "/var/log/pods",
      readOnly: true,
    });
    expect(spec.automountServiceAccountToken).toBe(false);
    expect(spec.containers[0]?.securityContext).toMatchObject({
      runAsUser: 0,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
  });

  it("sends to Loki's own address, and leaves out its own lines", () => {
    const { receivers, exporters, service, extensions } = config<AgentConfig>(on, "log-agent");
    const service_ = on.get("core/v1:Service", "loki").inputs as {
      metadata: Tree;
      spec: { ports: [{ port: number }] };
    };
    const { namespace, name } = service_.metadata;
    expect(exporters.otlp_http.endpoint).toBe(
      `http://${String(name)}.${String(namespace)}.svc.cluster.local:${service_.spec.ports[0].port}/otlp`,
    );
    expect(receivers.file_log.exclude).toEqual(["/var/log/pods/logs_log-agent-*_*/*/*.log"]);
    expect(service.pipelines.logs).toEqual({
      receivers: ["file_log"],
      processors: ["memory_limiter", "resource"],
      exporters: ["otlp_http"],
    });
    expect(service.extensions).toEqual(Object.keys(extensions));
  });
});

describe("both", () => {
  it("ask for what their footprints say", () => {
    const containers = [...loki(on).spec.containers, ...agent(on).spec.containers];
    const counted = LOGS_FOOTPRINT.flatMap((pod) => Object.entries(pod.containers));
    expect(containers.map(({ name, resources: asked }) => [name, asked])).toEqual(
      counted.map(([name, budget]) => [name, resources(budget)]),
    );
  });

  it("are read by Prometheus, at ports that they have", () => {
    for (const [name, pod] of [
      ["loki", loki(on)],
      ["log-agent", agent(on)],
    ] as const) {
      const { spec } = on.get("monitoring.coreos.com/v1:PodMonitor", name).inputs as {
        spec: { selector: { matchLabels: Tree }; podMetricsEndpoints: [{ port: string }] };
      };
      expect(pod.metadata.labels).toMatchObject(spec.selector.matchLabels);
      const names = pod.spec.containers.flatMap(({ ports }) => ports.map((port) => port.name));
      expect(names).toContain(spec.podMetricsEndpoints[0].port);
    }
  });

  it("are shown in Grafana, by a data source that goes with them and a dashboard that asks it", () => {
    const source = on.get("core/v1:ConfigMap", "grafana-datasource-loki").inputs as {
      metadata: Tree;
      data: Record<string, string>;
    };
    expect(source.metadata).toMatchObject({ namespace: "monitoring", labels: { grafana_datasource: "1" } });
    expect(parse(source.data["loki.yaml"] ?? "")).toMatchObject({
      prune: true,
      datasources: [{ uid: "loki", type: "loki", isDefault: false, url: "http://loki.logs.svc.cluster.local:3100" }],
    });
    const { data } = on.get("core/v1:ConfigMap", LOGS_DASHBOARD).inputs as { data: Record<string, string> };
    const dashboard = JSON.parse(data[`${LOGS_DASHBOARD}.json`] ?? "") as {
      tags: string[];
      panels: { targets: { expr: string; datasource: { uid: string } }[] }[];
    };
    expect(dashboard.tags).toEqual(["daybreak"]);
    const targets = dashboard.panels.flatMap((panel) => panel.targets);
    expect(targets.map(({ datasource }) => datasource.uid)).toEqual(["loki", "loki"]);
    for (const { expr } of targets) expect(expr).toContain('{k8s_namespace_name=~"$namespace"');
  });
});

describe("network policies of the logs", () => {
  const LOKI = pod("logs", { app: "loki" });
  const AGENT = pod("logs", { app: "log-agent" });
  const grafana = pod("monitoring", { "app.kubernetes.io/name": "grafana" });
  const prometheus = pod("monitoring", { "app.kubernetes.io/name": "prometheus" });

  it.each([
    ["an agent writes to Loki", call(AGENT, LOKI, 3100)],
    ["an agent asks for Loki's address", call(AGENT, pod("kube-system", { "k8s-app": "kube-dns" }), 53)],
    ["Grafana asks Loki", call(grafana, LOKI, 3100)],
    ["Prometheus reads an agent", call(prometheus, AGENT, 8888)],
    ["the API server asks Loki for somebody", call({ address: "10.0.1.10" }, LOKI, 3100)],
  ])("%s", (_, wanted) => {
    expect(allows(policiesOf(on), wanted)).toBe(true);
  });

  it.each([
    ["the application and Loki", call(pod("bookinfo", { app: "productpage" }), LOKI, 3100)],
    ["a stranger and Loki", call(pod("default", {}), LOKI, 3100)],
    ["an agent and the internet", call(AGENT, { address: "203.0.113.200" }, 443)],
    ["an agent and the API server", call(AGENT, { address: "10.0.1.10" }, 6443)],
    ["Loki and the internet", call(LOKI, { address: "203.0.113.200" }, 443)],
    ["Grafana and an agent", call(grafana, AGENT, 13133)],
  ])("shut: %s", (_, wanted) => {
    expect(allows(policiesOf(on), wanted)).toBe(false);
  });
});
