import { z } from "zod";
import { accessShape } from "./access";
import { autoscalingShape } from "./autoscaling";
import { cidrFault, isPrivate } from "./cidr";
import { unsupportedKubernetes } from "./compatibility";
import { between, flag, key, matching, text } from "./key";
import { grafanaSettings } from "./grafana";
import { meshShape } from "./mesh";
import { monitoringShape } from "./monitoring";
import { telemetryShape } from "./telemetry";
import { DEFAULT_KUBERNETES_VERSION } from "./versions";

const network = (value: string, shortest: number, longest: number) =>
  text((cidr) => {
    const fault = cidrFault(cidr);
    if (fault) return fault;
    const prefix = Number(cidr.split("/")[1]);
    if (prefix < shortest || prefix > longest) return `a /${prefix} is not from /${shortest} to /${longest}`;
    return isPrivate(cidr) ? undefined : "not inside the private address ranges";
  }).default(value);

const listOf = <Item extends z.ZodType>(item: Item) =>
  z
    .array(item, { error: "not a list" })
    .max(14, { error: "more than 14 entries: EC2 takes 60 rules a security group" });

const unique = (values: readonly unknown[]) => new Set(values).size === values.length;

/** Nobody gets SSH and the API server opened to the world, nor to the world in a few large pieces. */
function adminCidrFault(cidr: string): string | undefined {
  const fault = cidrFault(cidr);
  if (fault) return fault;
  if (cidr === "0.0.0.0/0") return "SSH and the Kubernetes API are never opened to the world";
  return Number(cidr.split("/")[1]) < 8 ? "a block this large is nearly the world" : undefined;
}

function instanceTypeFault(type: string): string | undefined {
  if (!/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/.test(type)) return "not an EC2 instance type";
  if (/^([a-z]+\d+g|a1)[a-z-]*\./.test(type)) return "a Graviton type: the node image is x86-64";
  return /\.(nano|micro)$/.test(type) ? "has less than the 1700 MB that kubeadm asks for" : undefined;
}

const instanceType = (description: string, name: string) =>
  key(
    text(instanceTypeFault).default("t3.medium"),
    description,
    "an x86-64 EC2 instance type with 2 GiB of memory or more (default t3.medium)",
    `daybreak:${name} t3.medium`,
  );

function mirrorFault(value: string): string | undefined {
  if (!URL.canParse(value)) return "not a URL";
  const url = new URL(value);
  if (url.protocol !== "http:" && url.protocol !== "https:") return "neither http nor https";
  if (url.username || url.password) return "holds a name or password";
  if (url.search || url.hash) return "holds a query or fragment";
  return value.endsWith("/") ? "ends in a slash" : undefined;
}

const mirror = (description: string, name: string, path: string) =>
  key(
    text(mirrorFault).optional(),
    description,
    "an http or https URL without a slash at its end, unset for the upstream site",
    `daybreak:${name} https://mirror.example.com${path}`,
  );

function tagsFault(tags: Record<string, string>): string | undefined {
  const names = Object.keys(tags);
  if (names.length > 40) return "more than 40 tags";
  const reserved = names.find((name) => name.toLowerCase().startsWith("aws:") || name === "Name");
  if (reserved) return `the tag ${reserved} is not free to use`;
  return names.some((name) => !name || name.length > 128 || (tags[name] ?? "").length > 256)
    ? "a tag's name has 1 to 128 characters, its value up to 256"
    : undefined;
}

/** Keys of a stack with `layer: infra`: the VPC, the nodes, kubeadm. */
export const infraShape = {
  layer: key(z.literal("infra"), "Which of the two programs this stack runs.", "infra or k8s", "daybreak:layer infra"),
  region: key(
    matching(/^[a-z]{2}(-[a-z]+)+-\d$/, "not the name of an AWS region").default("ap-northeast-2"),
    "AWS region.",
    "the name of a region (default ap-northeast-2)",
    "daybreak:region ap-northeast-2",
  ),
  availabilityZones: key(
    z
      .array(matching(/^[a-z0-9-]+-\d[a-z]$/, "not the name of a zone"), { error: "not a list" })
      .length(2, { error: "not two zones" })
      .refine(unique, { error: "the same zone twice" })
      .optional(),
    "Zones of the control plane and of the workers; for regions where the first two lack the instance type.",
    "two different zones of the region (default: its first two)",
    "--path 'daybreak:availabilityZones[0]' ap-northeast-2a",
  ),
  vpcCidr: key(
    network("10.0.0.0/16", 16, 27),
    "Addresses of the VPC; the nodes' two subnets are cut from it.",
    "a private IPv4 network from /16 to /27 that overlaps neither podCidr nor serviceCidr (EC2 takes /28 too, which has no room for two subnets; default 10.0.0.0/16)",
    "daybreak:vpcCidr 10.0.0.0/16",
  ),
  podCidr: key(
    network("10.244.0.0/16", 8, 20),
    "Addresses of the pods; every node gets a /24 of it.",
    "a private IPv4 network from /8 to /20 that overlaps neither vpcCidr nor serviceCidr (default 10.244.0.0/16)",
    "daybreak:podCidr 10.244.0.0/16",
  ),
  serviceCidr: key(
    network("10.96.0.0/12", 12, 24),
    "Cluster addresses of the services.",
    "a private IPv4 network from /12 to /24 that overlaps neither vpcCidr nor podCidr (default 10.96.0.0/12)",
    "daybreak:serviceCidr 10.96.0.0/12",
  ),
  adminCidrs: key(
    listOf(text(adminCidrFault))
      .min(1, { error: "nobody could reach SSH and the Kubernetes API, which the bootstrap needs" })
      .refine(unique, { error: "the same network twice" }),
    "Networks that may reach SSH (22) and the Kubernetes API (6443). Required: it never defaults to the world.",
    "1 to 14 IPv4 networks of /8 or smaller, never 0.0.0.0/0; your own address is the usual answer",
    `--path 'daybreak:adminCidrs[0]' "$(curl -s https://checkip.amazonaws.com)/32"`,
  ),
  nodePortCidrs: key(
    listOf(text(cidrFault)).refine(unique, { error: "the same network twice" }).default(["0.0.0.0/0"]),
    "Networks that may reach Bookinfo (30080) and Grafana (30300) on every node.",
    "up to 14 IPv4 networks; none closes both ports (default 0.0.0.0/0)",
    "--path 'daybreak:nodePortCidrs[0]' 203.0.113.0/24",
  ),
  controlPlaneInstanceType: instanceType("Instance type of the control plane.", "controlPlaneInstanceType"),
  workerInstanceType: instanceType("Instance type of the workers.", "workerInstanceType"),
  workerCount: key(
    between(1, 10).default(2),
    "Number of workers.",
    "a whole number from 1 to 10 (default 2)",
    "daybreak:workerCount 2",
  ),
  rootVolumeGib: key(
    between(12, 16384).default(20),
    "Size of each node's root volume (encrypted gp3), in GiB.",
    "a whole number from 12 to 16384 (default 20)",
    "daybreak:rootVolumeGib 20",
  ),
  kubernetesVersion: key(
    text((value) =>
      /^1\.\d+\.\d+$/.test(value) ? unsupportedKubernetes(value) : "not a version of the form 1.NN.P",
    ).default(DEFAULT_KUBERNETES_VERSION),
    "Kubernetes version of all nodes.",
    `a release of 1.34 or 1.35 (default ${DEFAULT_KUBERNETES_VERSION})`,
    `daybreak:kubernetesVersion ${DEFAULT_KUBERNETES_VERSION}`,
  ),
  failCgroupV1: key(
    flag(true),
    "Whether kubelet and kubeadm refuse a machine with cgroup v1. Ubuntu 24.04 has v2; false is for hosts that cannot.",
    "true or false (default true)",
    "daybreak:failCgroupV1 false",
  ),
  spot: key(
    flag(false),
    "Whether the workers are spot instances, a change of which replaces them; the control plane never is.",
    "true or false (default false)",
    "daybreak:spot true",
  ),
  cpuCredits: key(
    z.enum(["unlimited", "standard"], { error: "neither unlimited nor standard" }).default("unlimited"),
    "CPU credits of t2, t3 and t3a types: unlimited costs extra above the baseline, standard is throttled to it, the bootstrap included.",
    "unlimited or standard (default unlimited)",
    "daybreak:cpuCredits unlimited",
  ),
  ami: key(
    matching(/^ami-([0-9a-f]{8}|[0-9a-f]{17})$/, "not the id of an image").optional(),
    "Node image instead of Canonical's current Ubuntu 24.04; one with the packages inside boots faster.",
    "ami- and 8 or 17 hexadecimal digits (default: Ubuntu 24.04 as SSM names it at the first up)",
    "daybreak:ami ami-0123456789abcdef0",
  ),
  aptMirror: mirror("Site that replaces https://pkgs.k8s.io (same layout).", "aptMirror", "/apt"),
  imageMirror: mirror(
    "Registry that holds every image as <upstream host>/<repository>; asked before upstream.",
    "imageMirror",
    "",
  ),
  tags: key(
    z
      .record(z.string(), z.string({ error: "not a text" }), { error: "not a map" })
      .superRefine((value, context) => {
        const message = tagsFault(value);
        if (message) context.addIssue({ code: "custom", message });
      })
      .default({}),
    "Tags of every AWS resource, besides Project and Stack.",
    "up to 40 names with texts; neither aws:… nor Name (default none)",
    "--path 'daybreak:tags.owner' alice",
  ),
};

/** Names of the Helm releases, as `daybreak:charts` uses them. */
export const RELEASE_NAMES = ["prometheus", "linkerd-crds", "linkerd-control-plane", "linkerd-viz"] as const;

const releaseSettings = z.strictObject({
  /** Chart version instead of the pinned one. */
  version: matching(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/, "not a chart version of the form N.N.N").optional(),
  /** How long the release may take to become ready, in seconds. */
  timeoutSeconds: between(60, 3600).optional(),
  /** Merged over the values that this project sets. */
  values: z.record(z.string(), z.unknown(), { error: "not a map" }).optional(),
});

/** Keys of a stack with `layer: k8s`: the workloads. */
export const k8sShape = {
  layer: key(z.literal("k8s"), "Which of the two programs this stack runs.", "infra or k8s", "daybreak:layer k8s"),
  infraStack: key(
    matching(/^[\w.-]+(\/[\w.-]+\/[\w.-]+)?$/, "neither a stack's name nor organization/project/stack").optional(),
    "Stack with the cluster.",
    "a stack of this project, or organization/project/stack (default: this stack's name without -k8s)",
    "daybreak:infraStack dev",
  ),
  pinToControlPlane: key(
    flag(true),
    "Whether productpage, Grafana, Prometheus, Alertmanager and the mesh's control plane run on the control plane node.",
    "true or false (default true)",
    "daybreak:pinToControlPlane false",
  ),
  trafficRate: key(
    between(0, 1000).default(10),
    "Requests a second that the traffic generator sends to productpage; 0 stops it.",
    "a whole number from 0 to 1000 (default 10)",
    "daybreak:trafficRate 10",
  ),
  ...meshShape,
  ...accessShape,
  ...autoscalingShape,
  allowUnsupportedVersions: key(
    flag(false),
    "Go on with a combination of versions that upstream does not support.",
    "true or false (default false)",
    "daybreak:allowUnsupportedVersions true",
  ),
  chartMirror: mirror("Helm repository that holds every chart, in place of the charts' own.", "chartMirror", "/charts"),
  charts: key(
    z
      .strictObject(
        Object.fromEntries(RELEASE_NAMES.map((name) => [name, releaseSettings.optional()])) as Record<
          (typeof RELEASE_NAMES)[number],
          z.ZodOptional<typeof releaseSettings>
        >,
      )
      .default({}),
    "Settings of single releases: version, timeoutSeconds, values.",
    `for ${RELEASE_NAMES.join(", ")}: version N.N.N, timeoutSeconds 60 to 3600, values as the chart has them`,
    "--path 'daybreak:charts.prometheus.timeoutSeconds' 900",
  ),
  grafana: key(
    grafanaSettings.prefault({}),
    "Grafana: adminUser, timezone; https with a certificate of the stack's own authority or of yours (PEM texts certificate and privateKey, which has to be set with --secret).",
    "adminUser of up to 64 characters (default admin), timezone browser, utc or like Asia/Seoul (default browser), https off, cluster or own (default off)",
    "--path 'daybreak:grafana.https' cluster",
  ),
  ...monitoringShape,
  ...telemetryShape,
};

/** The validated configuration of an infra stack. */
export type InfraConfig = z.output<z.ZodObject<typeof infraShape>>;

/** The validated configuration of a k8s stack; `infraStack` is the full name of a stack. */
export type K8sConfig = Omit<z.output<z.ZodObject<typeof k8sShape>>, "infraStack"> & { infraStack: string };
