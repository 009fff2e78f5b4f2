import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { GO_TOOLS } from "./tools";
import { toolBinary } from "./go-build";
import type { StepLog } from "./run";
import { KUBERNETES_MINOR, KUBERNETES_VERSION, TOOL_VERSIONS, type ToolName } from "./versions";

/** One Debian package of the lab's mirror, with the name, paths and dependencies that pkgs.k8s.io's has. */
export interface DebianPackage {
  name: string;
  /** Upstream version and the repository's own build number. */
  version: string;
  depends: string[];
  description: string;
  /** Programs by the path they are installed at. */
  programs: Record<string, { tool: ToolName; binary: string }>;
  /** Text files by the path they are installed at. */
  texts?: Record<string, string>;
  /** Files under `/etc` that an administrator may change. */
  conffiles?: string[];
}

/** The build number that pkgs.k8s.io gives a version's first packages. */
const BUILD = "1.1";

/** The kubelet's unit: it has no configuration until kubeadm has run, so it is started again and again until then. */
const KUBELET_UNIT = `[Unit]
Description=kubelet: The Kubernetes Node Agent
Documentation=https://kubernetes.io/docs/
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=/usr/bin/kubelet
Restart=always
StartLimitInterval=0
RestartSec=10

[Install]
WantedBy=multi-user.target
`;

/** Where kubeadm leaves the kubelet's configuration: the unit reads it through these variables. */
const KUBEADM_DROP_IN = `# Lets kubeadm configure the kubelet; KUBELET_EXTRA_ARGS in /etc/default/kubelet is for the administrator.
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
`;

const kubernetes = (binary: string): { tool: ToolName; binary: string } => ({ tool: "kubernetes", binary });

/** The packages a node installs. cri-tools holds a small crictl of our own: the module of the real one cannot be had. */
export const NODE_DEBIAN_PACKAGES: readonly DebianPackage[] = [
  {
    name: "kubelet",
    version: `${KUBERNETES_VERSION}-${BUILD}`,
    depends: [
      ...["conntrack", "ebtables", "ethtool", "iproute2", "iptables (>= 1.4.21)", "mount", "socat", "util-linux"],
      "kubernetes-cni (>= 1.2.0)",
    ],
    description: "Node agent for Kubernetes clusters",
    programs: { "/usr/bin/kubelet": kubernetes("kubelet") },
    texts: {
      "/usr/lib/systemd/system/kubelet.service": KUBELET_UNIT,
      "/etc/default/kubelet": "KUBELET_EXTRA_ARGS=\n",
    },
    conffiles: ["/etc/default/kubelet"],
  },
  {
    name: "kubeadm",
    version: `${KUBERNETES_VERSION}-${BUILD}`,
    depends: ["cri-tools"],
    description: "Command-line utility for administering a Kubernetes cluster",
    programs: { "/usr/bin/kubeadm": kubernetes("kubeadm") },
    texts: { "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf": KUBEADM_DROP_IN },
  },
  {
    name: "kubectl",
    version: `${KUBERNETES_VERSION}-${BUILD}`,
    depends: [],
    description: "Command-line utility for interacting with a Kubernetes cluster",
    programs: { "/usr/bin/kubectl": kubernetes("kubectl") },
  },
  {
    name: "cri-tools",
    version: `${KUBERNETES_MINOR}.0-daybreak1`,
    depends: [],
    description: "Stand-in of the daybreak lab for the command-line tools of container runtimes",
    programs: { "/usr/bin/crictl": kubernetes("crictl") },
  },
  {
    name: "kubernetes-cni",
    version: `${TOOL_VERSIONS.cni}-${BUILD}`,
    depends: [],
    description: "Binaries required to provision Kubernetes container networking",
    programs: Object.fromEntries(
      ["bridge", "host-local", "loopback", "portmap"].map((binary) => [
        `/opt/cni/bin/${binary}`,
        { tool: "cni", binary },
      ]),
    ),
  },
];

/** The control file that describes a package to dpkg. */
export function controlFile(wanted: DebianPackage, installedKib: number): string {
  const fields: Record<string, string> = {
    Package: wanted.name,
    Version: wanted.version,
    Architecture: "amd64",
    Maintainer: "daybreak lab <lab@daybreak.invalid>",
    "Installed-Size": String(installedKib),
    ...(wanted.depends.length > 0 ? { Depends: wanted.depends.join(", ") } : {}),
    Section: "admin",
    Priority: "optional",
    Description: wanted.description,
  };
  return Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join("");
}

/** The file name of a package in a repository. */
export function packageFile({ name, version }: DebianPackage): string {
  return `${name}_${version}_amd64.deb`;
}

/** Builds a package into a folder. Uncompressed: it never leaves this machine, and unpacking it costs each node time. */
export async function buildPackage(wanted: DebianPackage, folder: string, log: StepLog): Promise<void> {
  const tree = join(folder, `${wanted.name}.tree`);
  for (const [path, { tool, binary }] of Object.entries(wanted.programs)) {
    const found = GO_TOOLS.find(({ name }) => name === tool);
    if (!found) throw new Error(`no tool ${tool} is built that ${wanted.name} could hold`);
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    copyFileSync(toolBinary(found, binary), join(tree, path));
    chmodSync(join(tree, path), 0o755);
  }
  for (const [path, text] of Object.entries(wanted.texts ?? {})) writeText(join(tree, path), text);
  const size = Number((await log.run("du", ["-sk", "--apparent-size", tree])).split("\t")[0]);
  writeText(join(tree, "DEBIAN/control"), controlFile(wanted, size));
  if (wanted.conffiles) writeText(join(tree, "DEBIAN/conffiles"), `${wanted.conffiles.join("\n")}\n`);
  const target = join(folder, packageFile(wanted));
  await log.run("dpkg-deb", ["--build", "--root-owner-group", "-Znone", tree, target]);
  await log.run("rm", ["-r", tree]);
}

function writeText(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { mode: 0o644 });
}
