import { images as pins } from "../../config/versions";
import type { ExtraName } from "../extras";
import type { ImageSettings } from "./oci";
import { COREDNS_TAG, ETCD_TAG, KUBERNETES_VERSION, PAUSE_TAG, TOOL_VERSIONS, type ToolName } from "./versions";

/** An image of the lab's mirror, built of programs from the cache. */
export interface ImageRecipe extends ImageSettings {
  /** Full upstream name. */
  readonly name: string;
  /** Stands below the programs: nothing, or the small Debian system with packet filters, a shell and curl. */
  readonly base: "scratch" | "debian";
  /** Programs by their path in the image. */
  readonly programs: Readonly<Record<string, ProgramSource>>;
  /** Folders by path with the user that owns them. */
  readonly folders?: Readonly<Record<string, number>>;
  /** Made only for labs that want this extra, or one of these, and in no machine image: nodes pull it. */
  readonly extra?: ExtraName | readonly ExtraName[] | undefined;
}

/** A binary of a built tool, or of the lab's stand-ins. */
export type ProgramSource = { tool: ToolName; binary: string } | { standIn: string };

const NOBODY = "65534:65534";

/** Says on the image itself what was built from where, so that nobody takes it for upstream's own build. */
const built = (from: string): Record<string, string> => ({ "io.daybreak.built-from": from });

function kubernetes(binary: string): ImageRecipe {
  const path = `/usr/local/bin/${binary}`;
  return {
    name: `registry.k8s.io/${binary}:v${KUBERNETES_VERSION}`,
    base: binary === "kube-proxy" ? "debian" : "scratch",
    programs: { [path]: { tool: "kubernetes", binary } },
    entrypoint: [path],
    labels: built(`k8s.io/kubernetes@v${KUBERNETES_VERSION}`),
  };
}

/** What every cluster runs. */
const CLUSTER: readonly ImageRecipe[] = [
  ...["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"].map(kubernetes),
  {
    name: `registry.k8s.io/etcd:${ETCD_TAG}`,
    base: "scratch",
    programs: { "/usr/local/bin/etcd": { tool: "etcd", binary: "etcd" } },
    entrypoint: ["/usr/local/bin/etcd"],
    labels: built(`go.etcd.io/etcd/server/v3@v${TOOL_VERSIONS.etcd}`),
  },
  {
    name: `registry.k8s.io/coredns/coredns:${COREDNS_TAG}`,
    base: "scratch",
    programs: { "/coredns": { tool: "coredns", binary: "coredns" } },
    entrypoint: ["/coredns"],
    labels: built(`github.com/coredns/coredns@v${TOOL_VERSIONS.coredns}`),
  },
  {
    name: `registry.k8s.io/pause:${PAUSE_TAG}`,
    base: "scratch",
    programs: { "/pause": { tool: "pause", binary: "pause" } },
    entrypoint: ["/pause"],
    user: NOBODY,
    labels: { "io.daybreak.stand-in": "true", ...built("daybreak lab/build/go/pause") },
  },
  {
    name: pins.flannel,
    base: "debian",
    programs: { "/opt/bin/flanneld": { tool: "flannel", binary: "flanneld" } },
    entrypoint: ["/opt/bin/flanneld"],
    labels: built(`github.com/flannel-io/flannel@v${TOOL_VERSIONS.flannel}`),
  },
  {
    name: pins.flannelCniPlugin,
    base: "debian",
    programs: { "/flannel": { tool: "flannel-cni", binary: "flannel" } },
    entrypoint: ["/flannel"],
    labels: built(
      `github.com/containernetworking/plugins/plugins/meta/flannel@v${TOOL_VERSIONS["flannel-cni"]}, the last that can be had`,
    ),
  },
];

/** What the checks, the network policies and the traffic generator run. */
const TOOLS: readonly ImageRecipe[] = [
  {
    name: pins.agnhost,
    base: "debian",
    programs: { "/agnhost": { tool: "kubernetes", binary: "agnhost" } },
    entrypoint: ["/agnhost"],
    command: ["pause"],
    labels: built(`k8s.io/kubernetes/test/images/agnhost@v${KUBERNETES_VERSION}`),
  },
  {
    name: pins.kubeNetworkPolicies,
    base: "debian",
    programs: {
      "/usr/bin/netpol": { tool: "kube-network-policies", binary: "netpol" },
      "/usr/bin/kube-network-policies": { tool: "kube-network-policies", binary: "kube-network-policies" },
    },
    entrypoint: [],
    command: ["/bin/netpol"],
    labels: built(
      `sigs.k8s.io/kube-network-policies@v${TOOL_VERSIONS["kube-network-policies"]}, given its packets by daybreak lab/build/go/platform/queue`,
    ),
  },
  {
    name: pins.caddy,
    base: "scratch",
    programs: { "/usr/bin/caddy": { tool: "caddy", binary: "caddy" } },
    entrypoint: [],
    command: ["caddy", "run"],
    labels: built(
      `github.com/caddyserver/caddy/v2@v${TOOL_VERSIONS.caddy}, without the modules that fetch certificates`,
    ),
  },
  {
    name: pins.fortio,
    base: "scratch",
    programs: { "/usr/bin/fortio": { tool: "fortio", binary: "fortio" } },
    folders: { "/var/lib/fortio": 0 },
    entrypoint: ["/usr/bin/fortio"],
    command: ["server"],
    labels: built(`fortio.org/fortio@v${TOOL_VERSIONS.fortio}`),
  },
  {
    name: pins.curl,
    base: "debian",
    programs: {},
    entrypoint: ["/usr/bin/curl"],
    user: NOBODY,
    labels: built("the distribution's package curl"),
  },
];

interface Exporter {
  tool: ToolName;
  binary: string;
  name: string;
  path: string;
  from: string;
  folders?: Record<string, number>;
  workingDirectory?: string;
}

function exporter({ tool, binary, name, path, from, ...rest }: Exporter): ImageRecipe {
  return {
    name: `${name}:v${TOOL_VERSIONS[tool]}`,
    base: "scratch",
    programs: { [path]: { tool, binary } },
    entrypoint: [path],
    user: NOBODY,
    labels: built(from),
    ...rest,
  };
}

const operator = { tool: "prometheus-operator", from: "github.com/prometheus-operator/prometheus-operator" } as const;

/** What kube-prometheus-stack runs. */
const MONITORING: readonly ImageRecipe[] = [
  exporter({
    ...operator,
    binary: "operator",
    name: "quay.io/prometheus-operator/prometheus-operator",
    path: "/bin/operator",
  }),
  exporter({
    ...operator,
    binary: "prometheus-config-reloader",
    name: "quay.io/prometheus-operator/prometheus-config-reloader",
    path: "/bin/prometheus-config-reloader",
  }),
  exporter({
    tool: "prometheus",
    binary: "prometheus",
    name: "quay.io/prometheus/prometheus",
    path: "/bin/prometheus",
    from: "github.com/prometheus/prometheus, without the web interface's files and the clouds' service discovery",
    folders: { "/prometheus": 65534, "/etc/prometheus": 65534 },
    workingDirectory: "/prometheus",
  }),
  exporter({
    tool: "alertmanager",
    binary: "alertmanager",
    name: "quay.io/prometheus/alertmanager",
    path: "/bin/alertmanager",
    from: "github.com/prometheus/alertmanager, without the web interface's files",
    folders: { "/alertmanager": 65534, "/etc/alertmanager": 65534 },
    workingDirectory: "/alertmanager",
  }),
  exporter({
    tool: "node-exporter",
    binary: "node_exporter",
    name: "quay.io/prometheus/node-exporter",
    path: "/bin/node_exporter",
    from: "github.com/prometheus/node_exporter",
  }),
  exporter({
    tool: "kube-state-metrics",
    binary: "kube-state-metrics",
    name: "registry.k8s.io/kube-state-metrics/kube-state-metrics",
    path: "/kube-state-metrics",
    from: "k8s.io/kube-state-metrics/v2",
  }),
];

/** What is off by default. */
const EXTRAS: readonly ImageRecipe[] = [
  {
    name: pins.metricsServer,
    base: "scratch",
    programs: { "/metrics-server": { tool: "metrics-server", binary: "metrics-server" } },
    entrypoint: ["/metrics-server"],
    user: NOBODY,
    labels: built(`sigs.k8s.io/metrics-server@v${TOOL_VERSIONS["metrics-server"]}`),
    extra: "autoscaling",
  },
  {
    name: pins.openTelemetryCollector,
    base: "scratch",
    programs: { "/otelcol-k8s": { tool: "opentelemetry-collector", binary: "otelcol-k8s" } },
    entrypoint: ["/otelcol-k8s"],
    command: ["--config", "/etc/otelcol-k8s/config.yaml"],
    user: "10001:10001",
    labels: built(
      `go.opentelemetry.io/collector/otelcol@v${TOOL_VERSIONS["opentelemetry-collector"]}, with the few parts that daybreak's configurations name`,
    ),
    extra: ["logs", "traces"],
  },
];

/** Every image that is built of real programs, those of the extras as well. */
export const IMAGES: readonly ImageRecipe[] = [...CLUSTER, ...TOOLS, ...MONITORING, ...EXTRAS];
