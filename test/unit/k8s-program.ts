import * as pulumi from "@pulumi/pulumi";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks";

import { k8sStack } from "../../stacks/k8s";
import { withoutStackTraces } from "./stack-traces";

type Tree = Record<string, unknown>;

/** A resource as the program registered it. */
export interface Registered {
  type: string;
  name: string;
  /** Inputs, secrets opened. */
  inputs: Tree;
  /** Paths of the inputs that went out as secrets. */
  secrets: string[];
  parent: string;
  /** Names of the resources it waits for, through outputs or `dependsOn`. */
  dependsOn: string[];
  provider: string;
  customTimeouts: { create: string; update: string; delete: string };
  /** Types under which earlier programs may have the same object. */
  formerTypes: string[];
}

export interface Run {
  resources: Registered[];
  outputs: Tree;
  /** Names of the outputs that are secret. */
  secretOutputs: string[];
  /** The only resource of that name and type (the type's last part). */
  get(type: string, name: string): Registered;
}

interface Request {
  getType(): string;
  getName(): string;
  getParent(): string;
  getProvider(): string;
  getDependenciesList(): string[];
  getObject(): { toJavaScript(): unknown } | undefined;
  getAliasesList(): { getSpec(): { getType(): string } | undefined }[];
  getCustomtimeouts(): { getCreate(): string; getUpdate(): string; getDelete(): string } | undefined;
}

const nameOf = (urn: string): string => urn.split("::").at(-1) ?? "";

const isSecret = (value: object): value is { value: unknown } => "4dabf18193072939515e22adb298388d" in value;

/** Paths of secret values in the engine's encoding. */
function secretPaths(value: unknown, path = ""): string[] {
  if (typeof value !== "object" || value === null) return [];
  if (isSecret(value)) return [path];
  return Object.entries(value).flatMap(([key, inner]) => secretPaths(inner, path ? `${path}.${key}` : key));
}

/** The same without the envelopes of secrets. */
function opened(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (isSecret(value)) return opened(value.value);
  if (Array.isArray(value)) return value.map(opened);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, opened(inner)]));
}

function registered(request: Request): Registered {
  const raw = request.getObject()?.toJavaScript();
  const limits = request.getCustomtimeouts();
  return {
    type: request.getType(),
    name: request.getName(),
    inputs: opened(raw ?? {}) as Tree,
    secrets: secretPaths(raw),
    parent: nameOf(request.getParent()),
    dependsOn: request.getDependenciesList().map(nameOf),
    provider: nameOf(request.getProvider().split("::").slice(0, -1).join("::")),
    customTimeouts: {
      create: limits?.getCreate() ?? "",
      update: limits?.getUpdate() ?? "",
      delete: limits?.getDelete() ?? "",
    },
    formerTypes: request.getAliasesList().map((alias) => alias.getSpec()?.getType() ?? ""),
  };
}

/** Outputs of the infra stack that the program refers to. */
export const INFRA_OUTPUTS = {
  kubernetesVersion: "1.35.4",
  kubeconfig: "apiVersion: v1\nkind: Config\n",
  viewerKubeconfig: "apiVersion: v1\nkind: Config\nusers: [{ name: viewer }]\n",
  viewerUser: "daybreak-viewer-04090f8b3e3b",
  nodeNames: ["control-plane", "worker-1", "worker-2"],
  podCidr: "10.244.0.0/16",
  masterPublicIp: "203.0.113.7",
  workerPublicIps: ["203.0.113.11", "203.0.113.12"],
  masterPrivateIp: "10.0.1.10",
  workerPrivateIps: ["10.0.2.10", "10.0.2.11"],
  clusterIdentifier: "i-0123456789abcdef0",
  grafanaUrl: "http://203.0.113.7:30300",
  bookinfoUrl: "http://203.0.113.7:30080/productpage",
};

/** Settings of parts that know nothing of each other: one run serves the tests of them all. */
export const SETTINGS = {
  reviewsWeights: { v1: 90, v2: 10, v3: 0 },
  trafficRate: 100,
  scrapeInterval: 15,
  retentionDays: 90,
  prometheusVolume: { sizeGib: 50, storageClass: "gp3" },
  grafana: { timezone: "Asia/Seoul" },
};

/** The parts of the pods' network that the nodes have, as the controller manager might deal them out. */
const NODE_POD_CIDRS: Readonly<Record<string, string>> = {
  "control-plane": "10.244.0.0/24",
  "worker-1": "10.244.2.0/24",
  "worker-2": "10.244.1.0/24",
};

const STATES: Record<string, (inputs: Tree) => Tree> = {
  "kubernetes:helm.sh/v3:Release": () => ({ status: { revision: 3 } }),
  "random:index/randomPassword:RandomPassword": () => ({ result: "a-random-password" }),
  "tls:index/privateKey:PrivateKey": () => ({ privateKeyPem: "PRIVATE KEY" }),
  "tls:index/certRequest:CertRequest": () => ({ certRequestPem: "REQUEST" }),
  "tls:index/selfSignedCert:SelfSignedCert": () => ({ certPem: "ANCHOR" }),
  "tls:index/locallySignedCert:LocallySignedCert": () => ({ certPem: "ISSUER" }),
};

function mocks(infraOutputs: Tree): pulumi.runtime.Mocks {
  return {
    newResource: (args) => {
      const inputs = args.inputs as Tree;
      if (args.type === "pulumi:pulumi:StackReference")
        return {
          id: "infra",
          state: { ...inputs, outputs: infraOutputs, secretOutputNames: ["kubeconfig", "viewerKubeconfig"] },
        };
      if (args.type === "kubernetes:core/v1:Node")
        return { id: args.id ?? "", state: { spec: { podCIDR: NODE_POD_CIDRS[args.id ?? ""] } } };
      // All that the program asks of what it made, and the rest is much to be carried through the SDK and back.
      return { id: `${args.name}-id`, state: { metadata: inputs["metadata"], ...STATES[args.type]?.(inputs) } };
    },
    call: () => ({}),
  };
}

function resolved(outputs: object): Promise<Tree> {
  return new Promise((resolve) => {
    pulumi.output(outputs).apply((value) => resolve(value as Tree));
  });
}

async function secretNames(outputs: object): Promise<string[]> {
  const secrets = await Promise.all(
    Object.entries(outputs).map(async ([name, value]) =>
      pulumi.Output.isInstance(value) && (await pulumi.isSecret(value)) ? [name] : [],
    ),
  );
  return secrets.flat();
}

/** The variable in which Pulumi tells a program which keys are encrypted. */
const SECRET_KEYS = "PULUMI_CONFIG_SECRET_KEYS";

/** Runs that there were in this suite, by what was given to them: nobody changes one, and each takes a while. */
const runs = new Map<string, Run>();

/**
 * Runs the workloads program against Pulumi's mocks, with the given keys of its configuration.
 * @param secretKeys those of them that are encrypted
 */
export async function runK8s(
  config: Record<string, unknown> = {},
  infraOutputs: Tree = INFRA_OUTPUTS,
  secretKeys: string[] = [],
): Promise<Run> {
  const given = JSON.stringify([config, infraOutputs, secretKeys]);
  const run = runs.get(given) ?? (await runAnew(config, infraOutputs, secretKeys));
  runs.set(given, run);
  return run;
}

async function runAnew(config: Record<string, unknown>, infraOutputs: Tree, secretKeys: string[]): Promise<Run> {
  const resources: Registered[] = [];
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own `this` below
  const original = MockMonitor.prototype.registerResource;
  const spy = jest.spyOn(MockMonitor.prototype, "registerResource").mockImplementation(function (
    this: MockMonitor,
    request: Request,
    callback,
  ) {
    resources.push(registered(request));
    return original.call(this, request, callback);
  });
  try {
    const texts = Object.entries({ layer: "k8s", ...config }).map(([key, value]) => [
      `daybreak:${key}`,
      typeof value === "string" ? value : JSON.stringify(value),
    ]);
    pulumi.runtime.setAllConfig(Object.fromEntries(texts) as Record<string, string>);
    process.env[SECRET_KEYS] = JSON.stringify(secretKeys.map((key) => `daybreak:${key}`));
    await pulumi.runtime.setMocks(mocks(infraOutputs), "daybreak", "dev-k8s", false, "organization");
    return await withoutStackTraces(async () => {
      const raw = await k8sStack();
      const outputs = await resolved(raw);
      await pulumi.runtime.disconnect(false);
      return {
        resources,
        outputs,
        secretOutputs: await secretNames(raw),
        get: (type, name) => only(resources, type, name),
      };
    });
  } finally {
    delete process.env[SECRET_KEYS];
    spy.mockRestore();
  }
}

function only(resources: Registered[], type: string, name: string): Registered {
  const found = resources.filter((one) => new RegExp(`[:/]${type}$`).test(one.type) && one.name === name);
  const [first] = found;
  if (!first || found.length > 1) throw new Error(`${found.length} resources ${type} ${name}`);
  return first;
}
