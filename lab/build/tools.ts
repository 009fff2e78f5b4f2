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

/** Programs that are built together, from the wrapper module `lab/build/go/<module>`. */
export interface GoTool {
  readonly name: ToolName;
  readonly version: string;
  /** Folder under `lab/build/go/`; tools of one folder share its dependencies' versions and so their compiled packages. */
  readonly module: string;
  readonly commands: readonly GoCommand[];
  readonly tags?: readonly string[];
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
    module: "monitoring",
    // Discovery by the clouds' SDKs takes most of Prometheus's build, and nothing here asks for it.
    tags: ["remove_all_sd", "enable_kubernetes_sd", "netgo"],
    commands: Object.entries(commands).map(([binary, path]) => ({
      binary,
      package: `github.com/${path}`,
      variables,
    })),
    onPath,
  };
}

function single(name: ToolName, command: GoCommand, more: Partial<GoTool> = {}): GoTool {
  return { name, version: TOOL_VERSIONS[name], module: name, commands: [command], ...more };
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
  return { name: "cni", version: TOOL_VERSIONS.cni, module: "cni", commands };
}

/**
 * Every Go program of the lab, in the order in which they should be built: what others wait for longest comes first.
 */
export const GO_TOOLS: readonly GoTool[] = [
  single(
    "pulumi",
    {
      binary: "pulumi",
      package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
      variables: { "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": `v${TOOL_VERSIONS.pulumi}` },
    },
    { onPath: ["pulumi"] },
  ),
  kubernetes(),
  single("pause", { binary: "pause", package: "." }),
  single("etcd", { binary: "etcd", package: "go.etcd.io/etcd/server/v3" }),
  single("coredns", {
    binary: "coredns",
    package: ".",
    variables: { "github.com/coredns/coredns/coremain.GitCommit": "daybreak" },
  }),
  single(
    "flannel",
    {
      binary: "flanneld",
      package: "github.com/flannel-io/flannel",
      variables: { "github.com/flannel-io/flannel/pkg/version.Version": `v${TOOL_VERSIONS.flannel}` },
    },
    { cgo: true },
  ),
  single("caddy", {
    binary: "caddy",
    package: ".",
    variables: { "github.com/caddyserver/caddy/v2.CustomVersion": `v${TOOL_VERSIONS.caddy}` },
  }),
  {
    name: "kube-network-policies",
    version: TOOL_VERSIONS["kube-network-policies"],
    module: "kube-network-policies",
    commands: [
      {
        binary: "kube-network-policies",
        package: "sigs.k8s.io/kube-network-policies/cmd/kube-network-policies/standard",
      },
      { binary: "netpol", package: "daybreak/kube-network-policies/queue" },
    ],
  },
  single("flannel-cni", { binary: "flannel", package: "github.com/containernetworking/plugins/plugins/meta/flannel" }),
  cni(),
  single(
    "helm",
    {
      binary: "helm",
      package: "helm.sh/helm/v3/cmd/helm",
      variables: { "helm.sh/helm/v3/internal/version.version": `v${TOOL_VERSIONS.helm}` },
    },
    { onPath: ["helm"] },
  ),
  monitoring("prometheus-operator", {
    operator: "prometheus-operator/prometheus-operator/cmd/operator",
    "prometheus-config-reloader": "prometheus-operator/prometheus-operator/cmd/prometheus-config-reloader",
  }),
  monitoring(
    "prometheus",
    {
      prometheus: "prometheus/prometheus/cmd/prometheus",
      promtool: "prometheus/prometheus/cmd/promtool",
    },
    ["promtool"],
  ),
  monitoring("alertmanager", { alertmanager: "prometheus/alertmanager/cmd/alertmanager" }),
  single("node-exporter", {
    binary: "node_exporter",
    package: "github.com/prometheus/node_exporter",
    variables: { "github.com/prometheus/common/version.Version": TOOL_VERSIONS["node-exporter"] },
  }),
  single("kube-state-metrics", {
    binary: "kube-state-metrics",
    package: "k8s.io/kube-state-metrics/v2",
    variables: { "github.com/prometheus/common/version.Version": TOOL_VERSIONS["kube-state-metrics"] },
  }),
  single("metrics-server", {
    binary: "metrics-server",
    package: "sigs.k8s.io/metrics-server/cmd/metrics-server",
    variables: { "k8s.io/client-go/pkg/version.gitVersion": `v${TOOL_VERSIONS["metrics-server"]}` },
  }),
  single("opentelemetry-collector", {
    binary: "otelcol-k8s",
    package: ".",
    variables: { "main.version": TOOL_VERSIONS["opentelemetry-collector"] },
  }),
  single(
    "fortio",
    {
      binary: "fortio",
      package: "fortio.org/fortio",
    },
    { onPath: ["fortio"] },
  ),
];

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
    ...(tool.tags ? ["-tags", tool.tags.join(",")] : []),
    "-ldflags",
    ldflags,
    "-o",
    output,
    ...commands.map((command) => command.package),
  ];
}
