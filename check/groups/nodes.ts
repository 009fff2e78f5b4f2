import type { V1NodeCondition } from "@kubernetes/client-node";

import { SILENT_AFTER, type Cluster, type ClusterNode } from "../cluster";
import type { Context, Group } from "../context";
import { checkOf, type CheckResult, type Probe } from "../result";

const PRESSURES = ["MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"];

/** Minor versions that a kubelet may be behind its API server (Kubernetes' version skew policy since 1.28). */
const MAX_SKEW = 3;

export const nodes: Group = {
  id: "nodes",
  async run({ cluster }: Context): Promise<CheckResult[]> {
    const group = "nodes" as const;
    const count = `${cluster.nodes.length} nodes`;
    return [
      checkOf({ group, id: "nodes.ready", title: "nodes are Ready", detail: count }, cluster.nodes.map(readiness)),
      checkOf(
        { group, id: "nodes.heartbeat", title: "kubelets report to the API server" },
        cluster.nodes.map(heartbeat),
      ),
      checkOf({ group, id: "nodes.pressure", title: "nodes are without pressure" }, cluster.nodes.map(pressure)),
      versions(cluster),
    ];
  },
};

function readiness({ name, node, ready, controlPlane }: ClusterNode): Probe {
  const probe = { subject: name, to: name, data: { controlPlane } };
  if (ready) return { ...probe, ok: true };
  const condition = conditionOf(node.status?.conditions, "Ready");
  return { ...probe, ok: false, reason: "not-ready", detail: condition?.message ?? "reports nothing" };
}

function heartbeat({ name, silentFor }: ClusterNode): Probe {
  const probe = { subject: name, to: name };
  if (silentFor === undefined) return { ...probe, ok: false, reason: "missing", detail: "has no lease" };
  if (silentFor < SILENT_AFTER) return { ...probe, ok: true };
  return { ...probe, ok: false, reason: "timeout", detail: `silent for ${Math.round(silentFor)} s` };
}

function pressure({ name, node }: ClusterNode): Probe {
  const pressing = PRESSURES.map((type) => conditionOf(node.status?.conditions, type)).filter(
    (condition) => condition?.status === "True",
  );
  const probe = { subject: name, to: name };
  if (pressing.length === 0) return { ...probe, ok: true };
  const detail = pressing.map((condition) => `${condition?.type}: ${condition?.message ?? ""}`).join("; ");
  return { ...probe, ok: false, reason: "error", detail };
}

function versions({ version, nodes: all }: Cluster): CheckResult {
  const header = { group: "nodes", id: "nodes.versions", title: "kubelet versions fit the API server's" } as const;
  const probes = all.map(({ name, kubeletVersion }): Probe => {
    const skew = minor(version) - minor(kubeletVersion);
    if (skew >= 0 && skew <= MAX_SKEW) return { subject: name, ok: true, detail: kubeletVersion };
    return { subject: name, ok: false, reason: "error", detail: `${kubeletVersion}, API server ${version}` };
  });
  return checkOf({ ...header, detail: version }, probes);
}

function minor(version: string): number {
  return Number(version.split(".")[1] ?? Number.NaN);
}

function conditionOf(conditions: V1NodeCondition[] | undefined, type: string): V1NodeCondition | undefined {
  return conditions?.find((condition) => condition.type === type);
}
