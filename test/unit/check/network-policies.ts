import type { V1NetworkPolicy, V1Pod } from "@kubernetes/client-node";

import { shutPods } from "../../../check/groups/network-policies";

function pod(namespace: string, name: string, node: string, more: { ports?: boolean; hostNetwork?: boolean } = {}) {
  return {
    metadata: { namespace, name },
    spec: {
      nodeName: node,
      hostNetwork: more.hostNetwork ?? false,
      containers: [{ name: "main", ...(more.ports === false ? {} : { ports: [{ containerPort: 9080 }] }) }],
    },
    status: { podIP: "10.244.1.5", phase: "Running", conditions: [{ type: "Ready", status: "True" }] },
  } as V1Pod;
}

const deny = (namespace: string): V1NetworkPolicy => ({
  metadata: { namespace, name: "default-deny" },
  spec: { podSelector: {}, policyTypes: ["Ingress"] },
});

describe("the pods that a stranger may not reach", () => {
  it("are one on each node, where all of the namespace's pods are shut", () => {
    const pods = [
      pod("bookinfo", "details", "worker-1"),
      pod("bookinfo", "ratings", "worker-1"),
      pod("monitoring", "prometheus", "control-plane"),
      pod("default", "open", "worker-2"),
    ];
    const nodes = shutPods({ pods }, [deny("bookinfo"), deny("monitoring")]).map(({ node }) => node);
    expect(nodes.sort()).toEqual(["control-plane", "worker-1"]);
    expect(shutPods({ pods }, [deny("monitoring")]).map(({ name }) => name)).toEqual(["monitoring/prometheus"]);
  });

  it("are none that no policy applies to, or that listen nowhere", () => {
    const pods = [
      pod("monitoring", "node-exporter", "worker-1", { hostNetwork: true }),
      pod("bookinfo", "silent", "worker-2", { ports: false }),
    ];
    expect(shutPods({ pods }, [deny("bookinfo"), deny("monitoring")])).toEqual([]);
  });

  it("are none where the policy lets something in", () => {
    const open = { ...deny("bookinfo"), spec: { podSelector: {}, policyTypes: ["Ingress"], ingress: [{}] } };
    expect(shutPods({ pods: [pod("bookinfo", "details", "worker-1")] }, [open])).toEqual([]);
  });
});
