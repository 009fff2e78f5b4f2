import { TOOL_VERSIONS, type ToolName } from "./versions";

/** One program of a Go module. */
export interface GoCommand {
  /** The file's name in the cache. */
  readonly binary: string;
  /** Import path of the main package; `.` is the wrapper module itself. */
  readonly package: string;
  /** Link-time variables by their full name: where a program takes its version from. */
  readonly variables?: Readonly<Record<string, string>>;
}

/**
 * The wrapper modules, folders of `lab/build/go/`. Programs of one share the versions of what they are made of, so that each
 * package is compiled once for all of them: `kubernetes` has the versions that Kubernetes is released with, `platform`
 * newer ones. The others stand alone because what they need is older, or cannot be had in the same version.
 */
export type GoModule = "kubernetes" | "platform" | "flannel-cni" | "opentelemetry-collector" | "pause";

/** Programs that are built together, from the wrapper module `lab/build/go/<module>`. */
export interface GoTool {
  readonly name: ToolName;
  readonly version: string;
  /** Which wrapper module it is built from. */
  readonly module: GoModule;
  readonly commands: readonly GoCommand[];
  readonly tags?: readonly string[];
  /** Takes the module's folder `overlay`, which completes what is published without its generated files. */
  readonly overlay?: boolean;
  /** Needs a C compiler; linked statically all the same. */
  readonly cgo?: boolean;
  /** Binaries that also run on this machine and get a link in the cache's `bin`. */
  readonly onPath?: readonly string[];
}

function kubernetesVariables(version: string): Record<string, string> {
  const [major = "", minor = ""] = version.split(".");
  const values = {
    gitVersion: `v${version}`,
    gitMajor: major,
    gitMinor: minor,
    gitCommit: "",
    gitTreeState: "clean",
    // A fixed date keeps the binaries, and with them the images, the same in every build.
    buildDate: "1970-01-01T00:00:00Z",
  };
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [`k8s.io/component-base/version.${name}`, value]),
  );
}

function kubernetes(): GoTool {
  const variables = kubernetesVariables(TOOL_VERSIONS.kubernetes);
  const programs = ["apiserver", "controller-manager", "proxy", "scheduler"].map((name) => `kube-${name}`);
  const commands = [...programs, "kubeadm", "kubectl", "kubelet"].map((binary): GoCommand => ({
    binary,
    package: `k8s.io/kubernetes/cmd/${binary}`,
    variables,
  }));
  const agnhost: GoCommand = { binary: "agnhost", package: "k8s.io/kubernetes/test/images/agnhost", variables };
  return {
    name: "kubernetes",
    version: TOOL_VERSIONS.kubernetes,
    module: "kubernetes",
    commands: [...commands, agnhost, { binary: "crictl", package: "daybreak/kubernetes/crictl", variables }],
    onPath: ["kubectl"],
  };
}

/** A program of the Prometheus family: one shared version package, set by each to its own. */
function monitoring(name: ToolName, commands: Record<string, string>, onPath: readonly string[] = []): GoTool {
  const version = TOOL_VERSIONS[name];
  const variables = { "github.com/prometheus/common/version.Version": version };
  return {
    name,
    version,
    module: "platform",
    // Discovery by the clouds' SDKs takes most of Prometheus's build, and nothing here asks for it.
    tags: ["remove_all_sd", "enable_kubernetes_sd"],
    overlay: true,
    commands: Object.entries(commands).map(([binary, path]) => ({
      binary,
      package: `github.com/${path}`,
      variables,
    })),
    onPath,
  };
}

function single(module: GoModule, name: ToolName, command: GoCommand, more: Partial<GoTool> = {}): GoTool {
  return { name, version: TOOL_VERSIONS[name], module, commands: [command], ...more };
}

function cni(): GoTool {
  const plugins = { bridge: "main/bridge", loopback: "main/loopback", "host-local": "ipam/host-local" };
  const commands = Object.entries({ ...plugins, portmap: "meta/portmap" }).map(([binary, path]) => ({
    binary,
    package: `github.com/containernetworking/plugins/plugins/${path}`,
    variables: {
      "github.com/containernetworking/plugins/pkg/utils/buildversion.BuildVersion": `v${TOOL_VERSIONS.cni}`,
    },
  }));
  return { name: "cni", version: TOOL_VERSIONS.cni, module: "platform", commands };
}

const PULUMI = single(
  "platform",
  "pulumi",
  {
    binary: "pulumi",
    package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    variables: { "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": `v${TOOL_VERSIONS.pulumi}` },
  },
  { onPath: ["pulumi"] },
);

const ETCD = single("kubernetes", "etcd", { binary: "etcd", package: "go.etcd.io/etcd/server/v3" });

const COREDNS = single("kubernetes", "coredns", {
  binary: "coredns",
  package: "daybreak/kubernetes/coredns",
  variables: { "github.com/coredns/coredns/coremain.GitCommit": "daybreak" },
});

const HELM = single(
  "kubernetes",
  "helm",
  {
    binary: "helm",
    package: "helm.sh/helm/v3/cmd/helm",
    variables: { "helm.sh/helm/v3/internal/version.version": `v${TOOL_VERSIONS.helm}` },
  },
  { onPath: ["helm"] },
);

const KUBE_STATE_METRICS = single("kubernetes", "kube-state-metrics", {
  binary: "kube-state-metrics",
  package: "k8s.io/kube-state-metrics/v2",
  variables: { "github.com/prometheus/common/version.Version": TOOL_VERSIONS["kube-state-metrics"] },
});

const FLANNEL = single(
  "platform",
  "flannel",
  {
    binary: "flanneld",
    package: "github.com/flannel-io/flannel",
    variables: { "github.com/flannel-io/flannel/pkg/version.Version": `v${TOOL_VERSIONS.flannel}` },
  },
  { cgo: true },
);

const CADDY = single("platform", "caddy", {
  binary: "caddy",
  package: "daybreak/platform/caddy",
  variables: { "github.com/caddyserver/caddy/v2.CustomVersion": `v${TOOL_VERSIONS.caddy}` },
});

const KUBE_NETWORK_POLICIES: GoTool = {
  name: "kube-network-policies",
  version: TOOL_VERSIONS["kube-network-policies"],
  module: "platform",
  commands: [
    {
      binary: "kube-network-policies",
      package: "sigs.k8s.io/kube-network-policies/cmd/kube-network-policies/standard",
    },
    { binary: "netpol", package: "daybreak/platform/queue" },
  ],
};

const PROMETHEUS_OPERATOR = monitoring("prometheus-operator", {
  operator: "prometheus-operator/prometheus-operator/cmd/operator",
  "prometheus-config-reloader": "prometheus-operator/prometheus-operator/cmd/prometheus-config-reloader",
});

const PROMETHEUS = monitoring(
  "prometheus",
  { prometheus: "prometheus/prometheus/cmd/prometheus", promtool: "prometheus/prometheus/cmd/promtool" },
  ["promtool"],
);

const METRICS_SERVER = single("platform", "metrics-server", {
  binary: "metrics-server",
  package: "sigs.k8s.io/metrics-server/cmd/metrics-server",
  variables: { "k8s.io/client-go/pkg/version.gitVersion": `v${TOOL_VERSIONS["metrics-server"]}` },
});

const OPENTELEMETRY_COLLECTOR = single("opentelemetry-collector", "opentelemetry-collector", {
  binary: "otelcol-k8s",
  package: ".",
  variables: { "main.version": TOOL_VERSIONS["opentelemetry-collector"] },
});

/** Every Go program of the lab, in the order in which they should be built: what others wait for longest comes first. */
export const GO_TOOLS: readonly GoTool[] = [
  PULUMI,
  kubernetes(),
  single("pause", "pause", { binary: "pause", package: "." }),
  cni(),
  PROMETHEUS,
  PROMETHEUS_OPERATOR,
  FLANNEL,
  CADDY,
  KUBE_NETWORK_POLICIES,
  ETCD,
  HELM,
  COREDNS,
  KUBE_STATE_METRICS,
  monitoring("alertmanager", { alertmanager: "prometheus/alertmanager/cmd/alertmanager" }),
  monitoring("node-exporter", { node_exporter: "prometheus/node_exporter" }),
  single("flannel-cni", "flannel-cni", {
    binary: "flannel",
    package: "github.com/containernetworking/plugins/plugins/meta/flannel",
  }),
  single("platform", "fortio", { binary: "fortio", package: "fortio.org/fortio" }, { onPath: ["fortio"] }),
  METRICS_SERVER,
  OPENTELEMETRY_COLLECTOR,
];

/**
 * Nothing here asks the C library for names or users. Said aloud, even the one program that needs C shares Go's `net`, and all that
 * is made with it, with the others.
 */
const TAGS = ["netgo", "osusergo"];

/** The arguments of `go build` for commands that share one set of link-time variables. */
export function goBuildArguments(tool: GoTool, commands: readonly GoCommand[], output: string): string[] {
  const [first] = commands;
  const variables = Object.entries(first?.variables ?? {}).flatMap(([name, value]) => ["-X", `${name}=${value}`]);
  const ldflags = ["-s", "-w", ...(tool.cgo ? ["-extldflags=-static"] : []), ...variables].join(" ");
  return [
    "build",
    "-trimpath",
    "-mod=readonly",
    "-buildvcs=false",
    "-tags",
    [...TAGS, ...(tool.tags ?? [])].join(","),
    "-ldflags",
    ldflags,
    "-o",
    output,
    ...commands.map((command) => command.package),
  ];
}
