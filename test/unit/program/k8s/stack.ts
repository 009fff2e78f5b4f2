import { RELEASE_NAMES } from "../../../../config/schema";
import { INFRA_OUTPUTS, type Registered, type Run, runK8s } from "../../k8s-program";

const RELEASE = "helm.sh/v3:Release";
const DEPLOYMENT = "apps/v1:Deployment";
const CONTROL_PLANE = "node-role.kubernetes.io/control-plane";

type Tree = Record<string, unknown>;

interface PodSpec {
  securityContext?: Tree;
  hostNetwork?: boolean;
  automountServiceAccountToken?: boolean;
  containers: { securityContext?: Tree }[];
}

/** With nothing configured. */
let standard: Run;
/** With pinning off and nothing else. */
let unpinned: Run;
/** With everything that can be changed independently of the rest. */
let changed: Run;
/** Linkerd's other channel on a Kubernetes that it supports, and no traffic. */
let stable: Run;

beforeAll(async () => {
  standard = await runK8s();
  unpinned = await runK8s({ pinToControlPlane: false });
  changed = await runK8s({
    chartMirror: "http://198.51.100.20/charts",
    charts: {
      prometheus: {
        version: "88.6.0",
        timeoutSeconds: 1200,
        values: { prometheus: { prometheusSpec: { retention: "30d" } } },
      },
    },
    grafana: { adminUser: "root", timezone: "Asia/Seoul" },
    trafficRate: 100,
  });
  stable = await runK8s(
    { linkerdChannel: "stable", trafficRate: 0 },
    { ...INFRA_OUTPUTS, kubernetesVersion: "1.28.15" },
  );
}, 60_000);

/** The resource and everything that has to be there before it. */
function before(run: Run, start: Registered): Set<string> {
  const seen = new Set<string>();
  const visit = (name: string) => {
    if (seen.has(name)) return;
    seen.add(name);
    run.resources.filter((one) => one.name === name).forEach((one) => one.dependsOn.forEach(visit));
  };
  start.dependsOn.forEach(visit);
  return seen;
}

describe("the cluster", () => {
  it("is reached by one provider, whose identity is the machine's and not the kubeconfig's", () => {
    const providers = standard.resources.filter(({ type }) => type === "pulumi:providers:kubernetes");
    expect(providers).toHaveLength(1);
    expect(providers[0]?.inputs).toMatchObject({
      kubeconfig: INFRA_OUTPUTS.kubeconfig,
      clusterIdentifier: INFRA_OUTPUTS.clusterIdentifier,
      enableServerSideApply: "true",
    });
    expect(providers[0]?.secrets).toContain("kubeconfig");
  });

  it("that is not there yet is asked for by name, before anything is made", async () => {
    await expect(runK8s({}, {})).rejects.toThrow(/pulumi up --stack organization\/daybreak\/dev /);
  });

  it("gets every Kubernetes resource through it", () => {
    const resources = standard.resources.filter(({ type }) => type.startsWith("kubernetes:"));
    expect(resources.length).toBeGreaterThan(25);
    expect(new Set(resources.map(({ provider }) => provider))).toEqual(new Set(["cluster"]));
  });

  it("states the Pod Security level of each of its namespaces", () => {
    const namespaces = standard.resources.filter(({ type }) => type === "kubernetes:core/v1:Namespace");
    const levels = namespaces.map(({ name, inputs }) => [
      name,
      (inputs["metadata"] as { labels: Tree }).labels["pod-security.kubernetes.io/enforce"],
    ]);
    expect(Object.fromEntries(levels)).toEqual({
      monitoring: "privileged",
      "network-policy": "privileged",
      linkerd: "privileged",
      "linkerd-viz": "privileged",
      bookinfo: "privileged",
      traffic: "privileged",
    });
  });
});

describe("what we run ourselves", () => {
  const pods = () =>
    standard.resources
      .filter(({ type }) => /:(Deployment|Job)$/.test(type))
      .map(({ name, inputs }) => [name, (inputs["spec"] as { template: { spec: PodSpec } }).template.spec] as const);

  it("keeps to Pod Security's level restricted, as far as the network it is on allows", () => {
    expect(pods().length).toBeGreaterThan(7);
    for (const [name, spec] of pods()) {
      expect([name, spec.securityContext]).toMatchObject([
        name,
        { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
      ]);
      for (const { securityContext } of spec.containers)
        expect([name, securityContext]).toMatchObject([
          name,
          { runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
        ]);
      expect([name, spec.hostNetwork ?? false]).toEqual([name, name === "injector-wait"]);
      expect([name, spec.automountServiceAccountToken]).toEqual([name, false]);
    }
  });

  it.each(["bookinfo", "traffic"])("is watched in %s, where the mesh needs more", (name) => {
    const { metadata } = standard.get("core/v1:Namespace", name).inputs as { metadata: { labels: Tree } };
    expect(metadata.labels).toMatchObject({
      "pod-security.kubernetes.io/enforce": "privileged",
      "pod-security.kubernetes.io/warn": "restricted",
    });
  });
});

describe("outputs", () => {
  it("name the addresses, the administrator and the versions", () => {
    expect(standard.outputs).toEqual({
      grafanaUrl: INFRA_OUTPUTS.grafanaUrl,
      bookinfoUrl: INFRA_OUTPUTS.bookinfoUrl,
      grafanaUser: "admin",
      grafanaPassword: "a-random-password",
      viewerKubeconfig: INFRA_OUTPUTS.viewerKubeconfig,
      versions: {
        kubernetes: "1.35.4",
        "kube-prometheus-stack": "88.5.3",
        linkerd: "edge-26.8.3",
        bookinfo: "1.18.0",
        fortio: expect.stringMatching(/^1\.\d+\.\d+$/) as string,
      },
    });
  });

  it("keep the password and the viewer's key secret", () => {
    expect(standard.secretOutputs).toEqual(["grafanaPassword", "viewerKubeconfig"]);
  });
});

describe("secrets stay secret on their way", () => {
  it("Grafana's password in its Secret", () => {
    expect(standard.get("core/v1:Secret", "grafana-admin").secrets).toEqual(["stringData"]);
  });

  it("the mesh's issuer key in the values, and only that", () => {
    const release = standard.get(RELEASE, "linkerd-control-plane");
    expect(release.secrets).toEqual(["values.identity.issuer.tls.keyPEM"]);
    expect(release.inputs["values"]).toMatchObject({
      identityTrustAnchorsPEM: "ANCHOR",
      identity: { issuer: { tls: { crtPEM: "ISSUER", keyPEM: "PRIVATE KEY" } } },
    });
  });
});

describe("the mesh's certificates", () => {
  it("have P-256 keys, the only ones it takes", () => {
    for (const name of ["mesh-anchor", "mesh-issuer"])
      expect(standard.get("privateKey:PrivateKey", name).inputs).toEqual({ algorithm: "ECDSA", ecdsaCurve: "P256" });
  });

  it("are an anchor and an issuer that signs no further authority", () => {
    expect(standard.get("selfSignedCert:SelfSignedCert", "mesh-anchor").inputs).toMatchObject({
      isCaCertificate: true,
      subject: { commonName: "root.linkerd.cluster.local" },
    });
    expect(standard.get("certRequest:CertRequest", "mesh-issuer").inputs).toMatchObject({
      subject: { commonName: "identity.linkerd.cluster.local" },
    });
    expect(standard.get("locallySignedCert:LocallySignedCert", "mesh-issuer").inputs).toMatchObject({
      isCaCertificate: true,
      maxPathLength: 0,
      allowedUses: ["cert_signing", "crl_signing"],
    });
  });
});

describe("order", () => {
  const names = (type: string, name: string) => before(standard, standard.get(type, name));

  it("the mesh comes after its own types and the monitors', and does not wait for Prometheus", () => {
    const mesh = names(RELEASE, "linkerd-control-plane");
    expect([...mesh]).toEqual(expect.arrayContaining(["linkerd-crds", "prometheus-crds"]));
    expect(mesh).not.toContain("prometheus");
  });

  it("viz comes after the control plane", () => {
    expect(names(RELEASE, "linkerd-viz")).toContain("linkerd-control-plane");
  });

  it("no meshed pod is made before the injector is ready, nor before it can be tapped", () => {
    const meshed = standard.resources.filter(({ type }) => type === `kubernetes:${DEPLOYMENT}`);
    expect(meshed).toHaveLength(7);
    for (const deployment of meshed)
      expect([...before(standard, deployment)]).toEqual(
        expect.arrayContaining(["linkerd-control-plane", "linkerd-viz"]),
      );
  });

  it("traffic comes after the page", () => {
    const traffic = names(DEPLOYMENT, "traffic");
    expect([...traffic]).toEqual(expect.arrayContaining(["productpage", "productpage-v1", "reviews-v3"]));
  });

  it("no component waits for what only a part of it needs", () => {
    const components = standard.resources.filter(({ type }) => type.startsWith("daybreak:"));
    expect(components.length).toBeGreaterThan(5);
    expect(components.flatMap(({ dependsOn }) => dependsOn)).toEqual([]);
  });
});

describe("releases", () => {
  const releases = (run: Run) => run.resources.filter(({ type }) => type === `kubernetes:${RELEASE}`);

  it("are pinned, from their own repositories, into namespaces that exist", () => {
    expect(releases(standard).map(({ inputs }) => [inputs["name"], inputs["chart"], inputs["version"]])).toEqual(
      expect.arrayContaining([
        ["prometheus-crds", "kube-prometheus-stack", "88.5.3"],
        ["prometheus", "kube-prometheus-stack", "88.5.3"],
        ["linkerd-crds", "linkerd-crds", "2026.8.3"],
        ["linkerd-control-plane", "linkerd-control-plane", "2026.8.3"],
        ["linkerd-viz", "linkerd-viz", "2026.8.3"],
      ]),
    );
    for (const { inputs, customTimeouts } of releases(standard)) {
      expect(inputs["createNamespace"]).toBe(false);
      expect(Number.parseInt(customTimeouts.create)).toBe((inputs["timeout"] as number) + 60);
    }
  });

  it("are those that the configuration knows by name", () => {
    const known = releases(standard).map(({ name }) => name);
    expect(known).toEqual(expect.arrayContaining([...RELEASE_NAMES]));
  });

  it("all come from the mirror when there is one", () => {
    const repositories = releases(changed).map(({ inputs }) => (inputs["repositoryOpts"] as Tree)["repo"]);
    expect(new Set(repositories)).toEqual(new Set(["http://198.51.100.20/charts"]));
    expect(repositories).toHaveLength(5);
  });

  it("take version, time limit and values from the configuration", () => {
    expect(changed.get(RELEASE, "prometheus").inputs).toMatchObject({
      version: "88.6.0",
      timeout: 1200,
      values: { prometheus: { prometheusSpec: { retention: "30d", retentionSize: "4GiB" } } },
    });
    expect(changed.get(RELEASE, "prometheus-crds").inputs).toMatchObject({ version: "88.6.0", timeout: 120 });
    expect(changed.outputs["versions"]).toMatchObject({ "kube-prometheus-stack": "88.6.0" });
  });

  it("take Grafana's settings", () => {
    expect(changed.outputs["grafanaUser"]).toBe("root");
    expect(changed.get("core/v1:Secret", "grafana-admin").inputs["stringData"]).toMatchObject({ "admin-user": "root" });
    expect(changed.get(RELEASE, "prometheus").inputs["values"]).toMatchObject({
      grafana: {
        defaultDashboardsTimezone: "Asia/Seoul",
        admin: { existingSecret: "grafana-admin" },
        service: { type: "NodePort", nodePort: 30300 },
      },
    });
  });
});

/** Paths of everything that is pinned: where a node selector names the control plane. */
function pinnedPaths(value: unknown, path: string): string[] {
  if (typeof value !== "object" || value === null) return [];
  const selector = (value as Tree)["nodeSelector"] as Tree | undefined;
  const here = selector && CONTROL_PLANE in selector ? [path] : [];
  return [...here, ...Object.entries(value).flatMap(([key, inner]) => pinnedPaths(inner, `${path}/${key}`))];
}

/** What depends on where a pod may go: the pin itself, and for productpage that two pods may be apart. */
const PLACEMENT = ["nodeSelector", "tolerations", "topologySpreadConstraints", "replicas"];

function withoutPlacement(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPlacement);
  if (typeof value !== "object" || value === null) return value;
  // Not what else tolerates taints: a part of every node's does so, pinned or not.
  const isPlacement = (key: string, inner: unknown) =>
    PLACEMENT.includes(key) && (key !== "tolerations" || JSON.stringify(inner).includes(CONTROL_PLANE));
  const kept = Object.entries(value).filter(([key, inner]) => !isPlacement(key, inner));
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutPlacement(inner)]));
}

describe("pinning", () => {
  /** Paths of what the switch pins: the wait for the injector asks from where the API server is, pinned or not. */
  const pinned = (run: Run) =>
    run.resources.flatMap(({ inputs, name }) => (name === "injector-wait" ? [] : pinnedPaths(inputs, name)));

  it("puts productpage, the monitoring and the mesh's control plane on the control-plane node, and nothing else", () => {
    expect(pinned(standard).sort()).toEqual([
      "linkerd-control-plane/values",
      "productpage-v1/spec/template/spec",
      "prometheus/values/alertmanager/alertmanagerSpec",
      "prometheus/values/grafana",
      "prometheus/values/kube-state-metrics",
      "prometheus/values/prometheus/prometheusSpec",
      "prometheus/values/prometheusOperator",
      "prometheus/values/prometheusOperator/admissionWebhooks/deployment",
      "prometheus/values/prometheusOperator/admissionWebhooks/patch",
    ]);
  });

  it.each([true, false])("asks for the injector from the API server's own network (pinning %s)", (on) => {
    const job = (on ? standard : unpinned).get("batch/v1:Job", "injector-wait");
    expect(job.inputs["spec"]).toMatchObject({
      template: { spec: { hostNetwork: true, nodeSelector: { [CONTROL_PLANE]: "" } } },
    });
  });

  it("asks for the injector again when the control plane changes", () => {
    const template = { metadata: { annotations: { "daybreak/control-plane-revision": "3" } } };
    expect(standard.get("batch/v1:Job", "injector-wait").inputs["spec"]).toMatchObject({ template });
  });

  it("tolerates the taint wherever it selects the node", () => {
    const spec = standard.get(DEPLOYMENT, "productpage-v1").inputs["spec"] as { template: { spec: Tree } };
    expect(spec.template.spec).toMatchObject({
      nodeSelector: { [CONTROL_PLANE]: "" },
      tolerations: [{ key: CONTROL_PLANE, operator: "Exists", effect: "NoSchedule" }],
    });
  });

  it("off: nothing is pinned, and nothing else differs", () => {
    expect(pinned(unpinned)).toEqual([]);
    // Components record the switch itself.
    const custom = (run: Run) =>
      run.resources
        .filter(({ type, name }) => !type.startsWith("daybreak:") && name !== "injector-wait")
        .map(({ type, name, inputs }) => [`${type} ${name}`, withoutPlacement(inputs)] as const)
        .sort(([a], [b]) => a.localeCompare(b));
    const budget = "kubernetes:policy/v1:PodDisruptionBudget productpage";
    expect(custom(unpinned).filter(([id]) => id !== budget)).toEqual(custom(standard));
  });
});

describe("Linkerd's channels", () => {
  it("stable is the seeds' 2.14.10, with its own charts and keys", () => {
    expect(stable.get(RELEASE, "linkerd-crds").inputs).toMatchObject({ version: "1.8.0", values: {} });
    expect(stable.get(RELEASE, "linkerd-control-plane").inputs).toMatchObject({ version: "1.16.11" });
    expect(stable.get(RELEASE, "linkerd-viz").inputs).toMatchObject({
      version: "30.12.11",
      repositoryOpts: { repo: "https://helm.linkerd.io/stable" },
    });
    expect(stable.outputs["versions"]).toMatchObject({ linkerd: "stable-2.14.10" });
  });

  it("are refused where upstream does not support the cluster's Kubernetes, with the reason", async () => {
    await expect(runK8s({ linkerdChannel: "stable" })).rejects.toThrow(
      /supports Kubernetes 1\.21 to 1\.28, the cluster runs 1\.35\.4/,
    );
  });

  it("are installed on any Kubernetes by whoever says so", async () => {
    const run = await runK8s({ linkerdChannel: "stable", allowUnsupportedVersions: true });
    expect(run.outputs["versions"]).toMatchObject({ kubernetes: "1.35.4", linkerd: "stable-2.14.10" });
  });

  it("edge brings the Gateway API's types", () => {
    expect(standard.get(RELEASE, "linkerd-crds").inputs["values"]).toEqual({ installGatewayAPI: true });
  });
});

describe("traffic", () => {
  const generator = (run: Run) =>
    run.get(DEPLOYMENT, "traffic").inputs["spec"] as {
      replicas: number;
      template: { spec: { containers: [{ args: string[] }] } };
    };

  it("asks for the page at the configured rate", () => {
    expect(generator(changed).replicas).toBe(1);
    const { args } = generator(changed).template.spec.containers[0];
    expect(args.slice(0, 5)).toEqual(["load", "-qps", "100", "-c", "20"]);
    expect(args.at(-1)).toBe("http://productpage.bookinfo.svc.cluster.local:9080/productpage");
  });

  it("stops at rate 0, where fortio would go as fast as it can", () => {
    expect(generator(stable).replicas).toBe(0);
    expect(generator(stable).template.spec.containers[0].args.slice(1, 3)).toEqual(["-qps", "1"]);
  });
});
