import * as pulumi from "@pulumi/pulumi";
import { incompatibilities, type VersionChoice } from "./compatibility";
import { type AlertReceivers, holdsSecrets } from "./alerts";
import { ConfigError, type Violation } from "./error";
import type { GrafanaSettings } from "./grafana";
import { MAX_DAYS_WITHOUT_VOLUME } from "./monitoring";
import { type NetworkKey, overlaps } from "./network";
import { type InfraConfig, infraShape, type K8sConfig, k8sShape } from "./schema";
import { check, type RawConfig, setCommand } from "./validate";

const NAMESPACE = "daybreak:";

/** This stack's configuration under `daybreak:`, as texts. */
function rawConfig(): RawConfig {
  const own = Object.entries(pulumi.runtime.allConfig()).filter(([key]) => key.startsWith(NAMESPACE));
  const secretKeys = JSON.parse(process.env["PULUMI_CONFIG_SECRET_KEYS"] ?? "[]") as string[];
  return {
    stack: pulumi.getStack(),
    values: Object.fromEntries(own.map(([key, value]) => [key.slice(NAMESPACE.length), value])),
    secretKeys: new Set(secretKeys.map((key) => key.replace(NAMESPACE, ""))),
  };
}

function refuse(raw: RawConfig, violations: readonly Violation[]): void {
  if (violations.length > 0) throw new ConfigError(raw.stack, violations);
}

/**
 * Which of the two programs this stack runs.
 * @throws ConfigError when `daybreak:layer` is missing or neither.
 */
export function loadLayer(): "infra" | "k8s" {
  const raw = rawConfig();
  const layer = raw.values["layer"];
  if (layer === "infra" || layer === "k8s") return layer;
  const fault: Violation = {
    key: "daybreak:layer",
    ...(layer === undefined ? {} : { value: layer }),
    reason: layer === undefined ? "it is required" : "there is no such layer",
    allowed: "infra (VPC, nodes, kubeadm) or k8s (workloads)",
    command: `pulumi config set --stack ${raw.stack} daybreak:layer infra`,
  };
  throw new ConfigError(raw.stack, [fault]);
}

/** Blames the key that was set, for a default can hardly be the mistake. */
function overlapViolation(raw: RawConfig, values: Record<string, unknown>, pair: [NetworkKey, NetworkKey]): Violation {
  const [other, key] = raw.values[pair[1]] === undefined ? [pair[1], pair[0]] : pair;
  return {
    key: `daybreak:${key}`,
    value: String(values[key]),
    reason: `overlaps ${other} ${String(values[other])}`,
    allowed: infraShape[key].meta()?.["allowed"] as string,
    command: setCommand(raw.stack, infraShape[key]),
  };
}

/**
 * The configuration of an infra stack.
 * @throws ConfigError with every violation at once, before anything is registered.
 */
export function loadInfraConfig(): InfraConfig {
  const raw = rawConfig();
  const { values, violations } = check(raw, infraShape, Object.keys(k8sShape));
  const crossed = overlaps(values as Partial<InfraConfig>).map((pair) => overlapViolation(raw, values, pair));
  refuse(raw, [...violations, ...crossed]);
  return values as InfraConfig;
}

/** The full name of the stack with the cluster; undefined when neither the config nor this stack's name tells. */
function infraStackName(configured: string | undefined, stack: string): string | undefined {
  const name = configured ?? (/^.+-k8s$/.test(stack) ? stack.replace(/-k8s$/, "") : undefined);
  if (name === undefined || name.includes("/")) return name;
  return `${pulumi.getOrganization()}/${pulumi.getProject()}/${name}`;
}

/** What everybody with the repository could read, unless Pulumi keeps it encrypted. */
function openReceivers(raw: RawConfig, receivers: AlertReceivers | undefined): Violation[] {
  if (!receivers || !holdsSecrets(receivers) || raw.secretKeys.has("alerts")) return [];
  return [
    {
      key: "daybreak:alerts",
      value: "[not shown]",
      reason: "its addresses and passwords are not encrypted: whoever has them may send in your name",
      allowed: "url and password set with --secret",
      command: setCommand(raw.stack, k8sShape.alerts),
    },
  ];
}

/** A server's key that everybody with the repository could read. */
function openKey(raw: RawConfig, grafana: GrafanaSettings | undefined): Violation[] {
  if (grafana?.privateKey === undefined || raw.secretKeys.has("grafana")) return [];
  return [
    {
      key: "daybreak:grafana",
      value: "[not shown]",
      reason: "its private key is not encrypted: whoever has it may pass for this Grafana",
      allowed: "privateKey set with --secret",
      command: `pulumi config set --stack ${raw.stack} --secret --path 'daybreak:grafana.privateKey' < key.pem`,
    },
  ];
}

/** More days than a node's disk holds, on a node's disk. */
function tooLongWithoutVolume(raw: RawConfig, values: Partial<K8sConfig>): Violation[] {
  const { retentionDays = 0 } = values;
  if (retentionDays <= MAX_DAYS_WITHOUT_VOLUME || raw.values["prometheusVolume"] !== undefined) return [];
  return [
    {
      key: "daybreak:retentionDays",
      value: String(retentionDays),
      reason: `more than ${MAX_DAYS_WITHOUT_VOLUME} days need daybreak:prometheusVolume, which is not set`,
      allowed: k8sShape.retentionDays.meta()?.["allowed"] as string,
      command: setCommand(raw.stack, k8sShape.prometheusVolume),
    },
  ];
}

/** Proxies of 2.14 send spans only if another extension than this stack installs changes their pods. */
function tracesOfOldProxies(raw: RawConfig, { traces, linkerdChannel }: Partial<K8sConfig>): Violation[] {
  if (!traces || linkerdChannel !== "stable") return [];
  return [
    {
      key: "daybreak:traces",
      value: "true",
      reason: "linkerdChannel is stable: its charts have no setting for where proxies send their spans",
      allowed: "false, or true with linkerdChannel edge",
      command: setCommand(raw.stack, k8sShape.linkerdChannel),
    },
  ];
}

/**
 * The configuration of a k8s stack, with the full name of its infra stack.
 * @throws ConfigError with every violation at once, before anything is registered.
 */
export function loadK8sConfig(): K8sConfig {
  const raw = rawConfig();
  const { values, violations } = check(raw, k8sShape, Object.keys(infraShape));
  const infraStack = infraStackName(values["infraStack"] as string | undefined, raw.stack);
  if (infraStack === undefined && raw.values["infraStack"] === undefined)
    violations.push({
      key: "daybreak:infraStack",
      reason: `it is required, because the stack's name ${raw.stack} does not end in -k8s`,
      allowed: k8sShape.infraStack.meta()?.["allowed"] as string,
      command: setCommand(raw.stack, k8sShape.infraStack),
    });
  const config = values as Partial<K8sConfig>;
  refuse(raw, [
    ...violations,
    ...openReceivers(raw, config.alerts),
    ...openKey(raw, config.grafana),
    ...tooLongWithoutVolume(raw, config),
    ...tracesOfOldProxies(raw, config),
  ]);
  return { ...values, infraStack } as K8sConfig;
}

/**
 * Refuses a combination of versions that upstream does not support, unless the config says to go on.
 * @throws ConfigError with every reason.
 */
export function requireCompatibleVersions(choice: VersionChoice & { allowUnsupportedVersions: boolean }): void {
  if (choice.allowUnsupportedVersions) return;
  const raw = rawConfig();
  const violations = incompatibilities(choice).map((reason) => ({
    key: "daybreak:linkerdChannel",
    value: choice.linkerdChannel,
    reason,
    allowed: "a combination that upstream supports, or daybreak:allowUnsupportedVersions true to go on all the same",
    command: setCommand(raw.stack, k8sShape.allowUnsupportedVersions),
  }));
  refuse(raw, violations);
}
