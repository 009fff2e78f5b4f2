import type { V1Namespace } from "@kubernetes/client-node";
import { X509Certificate } from "node:crypto";
import { hostname } from "node:os";

import { selfSignedCertificate } from "../../../check/certificate";
import { untilSettled } from "../../../check/dialer";
import { planDials } from "../../../check/dials";
import { isAbandoned } from "../../../check/leftovers";
import { agentPod, EXPIRES_ANNOTATION, OWNER_ANNOTATION, reporterPod } from "../../../check/manifests";
import type { Agent, Testbed } from "../../../check/testbed";

function agents(count: number): Agent[] {
  return Array.from({ length: count }, (_, index) => ({
    node: {
      name: `node-${index}`,
      address: `10.0.0.${index}`,
      controlPlane: index === 0,
      ready: true,
      kubeletVersion: "v1.35.4",
      node: {},
    },
    pod: `agent-node-${index}`,
    podIp: `10.244.${index}.5`,
    clusterIp: `10.96.0.${index}`,
    nodePort: 31000 + index,
  }));
}

describe("the plan of dials", () => {
  const plan = (count: number) =>
    planDials({ namespace: "ns", agents: agents(count), probes: [] } satisfies Testbed, "cluster.local", "ns");

  it("covers every ordered pair of nodes over TCP and UDP", () => {
    const pairs = plan(3).filter(({ kind }) => kind === "pod-tcp");
    expect(new Set(pairs.map(({ from, to }) => `${from} ${to}`)).size).toBe(6);
    expect(plan(3).filter(({ kind }) => kind === "pod-udp")).toHaveLength(6);
  });

  it("asks for Services and NodePorts whose backend is elsewhere, from every node at its own address", () => {
    const remote = plan(3).filter(({ kind }) => kind === "node-port-remote");
    expect(remote.map(({ from, to, host, port }) => [from, to, host, port])).toEqual([
      ["node-0", "node-1", "10.0.0.0", 31001],
      ["node-1", "node-2", "10.0.0.1", 31002],
      ["node-2", "node-0", "10.0.0.2", 31000],
    ]);
    expect(
      plan(3)
        .filter(({ kind }) => kind === "cluster-ip")
        .every(({ from, to }) => from !== to),
    ).toBe(true);
  });

  it("has nothing between nodes where there is only one", () => {
    expect(plan(1).map(({ kind }) => kind)).toEqual(["node-port-local", "dns-kubernetes", "dns-service"]);
  });
});

describe("an answer that does not come", () => {
  /** Fails so many times with that message, then succeeds. */
  const failing = (times: number, message: string) => {
    const ask = jest.fn(async () => {});
    for (let i = 0; i < times; i++) ask.mockRejectedValueOnce(new Error(message));
    return ask;
  };

  test("over TCP is final", async () => {
    const ask = failing(1, "i/o timeout");
    await expect(untilSettled(ask)).rejects.toThrow("i/o timeout");
    expect(ask).toHaveBeenCalledTimes(1);
  });

  test("by datagram may be lost twice, but not each time", async () => {
    await expect(untilSettled(failing(2, "i/o timeout"), 3)).resolves.toBeUndefined();
    await expect(untilSettled(failing(3, "i/o timeout"), 3)).rejects.toThrow("i/o timeout");
  });

  test("a refusal is asked again until kube-proxy knows the Service", async () => {
    await expect(untilSettled(failing(2, "connect: connection refused"))).resolves.toBeUndefined();
  });
});

describe("test pods", () => {
  it("keep to Pod Security restricted and tolerate every taint", () => {
    const { spec } = agentPod("ip-10-0-1-10.ap-northeast-2.compute.internal");
    expect(spec?.tolerations).toEqual([{ operator: "Exists" }]);
    expect(spec?.containers[0]?.securityContext).toMatchObject({
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
    });
    expect(spec?.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
  });

  it("have names that Kubernetes accepts, whatever the node is called", () => {
    const name = agentPod(`${"long.".repeat(30)}node`).metadata?.name ?? "";
    expect(name).toMatch(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])$/);
  });

  it("report one question a container, in their status", () => {
    const pod = reporterPod("w1", [{ name: "dial-0", target: "10.0.0.1:80" }]);
    expect(pod.spec?.containers[0]).toMatchObject({
      args: ["connect", "--timeout=5s", "10.0.0.1:80"],
      terminationMessagePolicy: "FallbackToLogsOnError",
    });
  });
});

describe("the webhook's certificate", () => {
  const { certificate, key } = selfSignedCertificate("webhook.ns.svc");
  const parsed = new X509Certificate(certificate);

  it("names the Service, is valid now, signs itself and fits its key", () => {
    expect(parsed.subjectAltName).toBe("DNS:webhook.ns.svc");
    expect(Date.parse(parsed.validFrom)).toBeLessThan(Date.now());
    expect(Date.parse(parsed.validTo)).toBeGreaterThan(Date.now() + 3_000_000);
    expect(parsed.verify(parsed.publicKey)).toBe(true);
    expect(key).toMatch(/BEGIN PRIVATE KEY/);
  });
});

describe("leftovers", () => {
  const namespace = (owner: string, expires: string): V1Namespace => ({
    metadata: { annotations: { [OWNER_ANNOTATION]: owner, [EXPIRES_ANNOTATION]: expires } },
  });
  const later = "2100-01-01T00:00:00Z";

  it("are those of dead processes of this machine, and those whose time is over", () => {
    expect(isAbandoned(namespace(`${hostname()}/1`, later), Date.now(), () => false)).toBe(true);
    expect(isAbandoned(namespace(`${hostname()}/1`, later), Date.now(), () => true)).toBe(false);
    expect(isAbandoned(namespace("elsewhere/1", later), Date.now(), () => false)).toBe(false);
    expect(isAbandoned(namespace("elsewhere/1", "2000-01-01T00:00:00Z"), Date.now())).toBe(true);
    expect(isAbandoned({})).toBe(true);
  });
});
