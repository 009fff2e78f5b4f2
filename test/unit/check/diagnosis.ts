import { diagnose } from "../../../check/diagnosis";
import type { CheckResult } from "../../../check/result";
import {
  closedSecurityGroup,
  controlPlanePods,
  failing,
  healthy,
  meshPod,
  withoutMesh,
  withProbes,
} from "../check-pictures";

const names = { stack: "lab" };
const ids = (checks: CheckResult[]): string[] => diagnose(checks, names).map(({ id }) => id);

describe("a healthy cluster", () => {
  it("needs no diagnosis", () => {
    expect(diagnose(healthy(), names)).toEqual([]);
    expect(diagnose(withoutMesh(healthy()), names)).toEqual([]);
  });
});

describe("the users' first security group", () => {
  const [diagnosis, ...others] = diagnose(withoutMesh(closedSecurityGroup()), names);

  it("is named with both ports and the rule that heals it", () => {
    expect(others).toEqual([]);
    expect(diagnosis?.id).toBe("node-to-node");
    expect(diagnosis?.cause).toMatch(/UDP 8472 \(VXLAN\) and TCP 10250 \(kubelet\) are closed in the security group/);
    expect(diagnosis?.cause).toMatch(/kubelet of worker-1 and worker-2/);
    expect(diagnosis?.remedy).toMatch(/whose source is the group itself.*pulumi up --refresh -s lab/);
  });

  it("explains everything that failed", () => {
    const failed = closedSecurityGroup().filter(({ status }) => status === "failed");
    expect(diagnosis?.explains.sort()).toEqual(failed.map(({ id }) => id).sort());
  });
});

describe("half of it", () => {
  it("only VXLAN closed", () => {
    const checks = failing(healthy(), "pod-network.tcp");
    expect(ids(withoutMesh(checks))).toEqual(["vxlan"]);
    expect(diagnose(withoutMesh(checks), names)[0]?.cause).not.toMatch(/10250/);
  });

  it("only the kubelet's port closed", () => {
    const worker = ({ to = "" }) => to.startsWith("worker");
    const checks = failing(failing(healthy(), "kubelet.exec", worker), "kubelet.logs", worker);
    expect(ids(checks)).toEqual(["kubelet-port"]);
    expect(diagnose(checks, names)[0]?.cause).not.toMatch(/8472/);
  });

  it("one node cut off", () => {
    const checks = failing(healthy(), "pod-network.tcp", ({ from, to }) => [from, to].includes("worker-2"));
    expect(diagnose(withoutMesh(checks), names)[0]).toMatchObject({
      id: "cut-off-node",
      cause: expect.stringMatching(/worker-2/) as string,
    });
  });
});

describe("the four pictures of a cut-off mesh", () => {
  it("A: ordinary proxies in PostStartHookError", () => {
    const stuck = { status: "PostStartHookError", ready: "0/4", proxy: "ordinary" };
    const checks = withProbes(closedSecurityGroup(), "linkerd.control-plane", controlPlanePods(stuck));
    const picture = diagnose(checks, names).find(({ id }) => id === "mesh-a");
    expect(picture?.cause).toMatch(/picture A.*linkerd-destination-1 0\/4 PostStartHookError/);
    expect(ids(checks)).toEqual(["node-to-node", "mesh-a"]);
  });

  it.each(["PodInitializing", "CrashLoopBackOff"])("A again, before and after it: %s", (status) => {
    const pods = controlPlanePods({ status, ready: "0/4", proxy: "ordinary" });
    expect(ids(withProbes(closedSecurityGroup(), "linkerd.control-plane", pods))).toContain("mesh-a");
  });

  it("B: native sidecars in Init:1/2", () => {
    const pods = controlPlanePods({ status: "Init:1/2", ready: "0/4", proxy: "native" });
    expect(ids(withProbes(closedSecurityGroup(), "linkerd.control-plane", pods))).toEqual(["node-to-node", "mesh-b"]);
  });

  it("C: the pinned control plane is Ready, meshed pods on workers wait", () => {
    const waiting = meshPod("bookinfo/details-v1-1", { status: "Init:1/2", ready: "0/2" }, false);
    const checks = withProbes(closedSecurityGroup(), "linkerd.ready", [waiting]);
    const picture = diagnose(checks, names).find(({ id }) => id === "mesh-c");
    expect(picture?.cause).toMatch(/pinned control plane hides the fault.*details-v1-1 0\/2 Init:1\/2/);
    expect(ids(checks)).toEqual(["node-to-node", "mesh-c"]);
  });

  it("C even while the pods that were made before still run", () => {
    expect(ids(closedSecurityGroup())).toEqual(["node-to-node", "mesh-c"]);
  });

  it("no C where the control plane is spread, or the network well", () => {
    const spread = withProbes(closedSecurityGroup(), "linkerd.control-plane", controlPlanePods(undefined));
    expect(ids(spread)).not.toContain("mesh-c");
    expect(ids(healthy())).not.toContain("mesh-c");
  });

  it("D: pods run without a proxy, and a restart heals them", () => {
    const bare = {
      ...meshPod("bookinfo/details-v1-1", { proxy: "none", ready: "1/1" }),
      ok: false,
      reason: "missing" as const,
    };
    const [picture] = diagnose(withProbes(healthy(), "linkerd.proxies", [bare]), names);
    expect(picture?.id).toBe("mesh-d");
    expect(picture?.remedy).toBe("kubectl -n bookinfo rollout restart deployment");
    const both = diagnose(withProbes(closedSecurityGroup(), "linkerd.proxies", [bare]), names);
    expect(both.find(({ id }) => id === "mesh-d")?.remedy).toMatch(
      /^open the traffic.*then kubectl -n bookinfo rollout/,
    );
  });
});

describe("single faults", () => {
  const one = (id: string, ...rest: [reason?: Parameters<typeof failing>[3], detail?: string]) =>
    diagnose(
      failing(healthy(), id, () => true, ...rest),
      names,
    );

  it.each([
    ["dns.service", "dns", "dns", "DNS: i/o timeout"],
    ["services.cluster-ip", "kube-proxy", "timeout", "no answer"],
    ["webhook.admission", "webhook", "timeout", "context deadline exceeded"],
    ["network-policies.enforced", "network-policies", "wrong-answer", "port 9090 answers"],
    ["outside.bookinfo", "outside-closed", "timeout", "no answer within 10 s"],
    ["outside.grafana", "outside", "error", "answered 503 instead of 302"],
    ["linkerd.issuer", "issuer", "expired", "valid only until yesterday"],
    ["linkerd.injector", "injector", "error", "failed open"],
    ["test-pods.running", "image-pull", "not-ready", "ErrImagePull after 40 s"],
    ["nodes.heartbeat", "silent-node", "timeout", "silent for 60 s"],
    ["nodes.ready", "node-not-ready", "not-ready", "container runtime network not ready"],
    ["prometheus.targets", "targets-down", "down", "connection refused"],
    ["prometheus.queries", "prometheus", "error", "took 3 s"],
    ["nodes.pressure", "unknown:nodes.pressure", "error", "DiskPressure"],
  ] as const)("%s alone is %s", (check, diagnosis, reason, detail) => {
    const found = one(check, reason, detail);
    expect(found.map(({ id }) => id)).toEqual([diagnosis]);
    expect(found[0]?.explains).toContain(check);
  });

  it("tells a name that leads nowhere from a page that is not there", () => {
    const probes = [
      {
        subject: "https://grafana.example.com:30300",
        ok: false,
        reason: "dns" as const,
        detail: "getaddrinfo ENOTFOUND",
      },
    ];
    const [diagnosis] = diagnose(withProbes(healthy(), "outside.grafana", probes), names);
    expect(diagnosis?.remedy).toMatch(/^grafana\.example\.com has to lead to a node's public address/);
  });

  it("knows control plane metrics that listen on loopback", () => {
    const probes = [
      { subject: "kube-scheduler 10.0.1.10:10259", ok: false, reason: "down" as const, detail: "connection refused" },
    ];
    const [diagnosis] = diagnose(withProbes(healthy(), "prometheus.targets", probes), names);
    expect(diagnosis?.remedy).toMatch(/bind-address/);
  });
});
