import type { KubeConfig, V1Namespace, V1Pod } from "@kubernetes/client-node";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";

import { Api, ApiError } from "../../check/api";
import { selfSignedCertificate } from "../../check/certificate";
import { untilSettled } from "../../check/dialer";
import { planDials } from "../../check/dials";
import { checkBookinfo, checkGrafana, entrances, pageAt } from "../../check/groups/outside";
import { isAbandoned } from "../../check/leftovers";
import { agentPod, EXPIRES_ANNOTATION, OWNER_ANNOTATION, reporterPod } from "../../check/manifests";
import { proxyKind } from "../../check/mesh";
import { isReady, podReason, podStatus, readyColumn } from "../../check/pod-status";
import { buildReport, Printer } from "../../check/report";
import { checkOf, reasonOf, skipped } from "../../check/result";
import type { Agent, Testbed } from "../../check/testbed";
import { closedSecurityGroup, healthy } from "./check-pictures";

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

describe("the state of a pod, as kubectl shows it", () => {
  const pod = (spec: object, status: object): V1Pod => ({ spec, status }) as V1Pod;
  const waiting = (name: string, reason: string) => ({ name, ready: false, state: { waiting: { reason } } });

  it("A: PostStartHookError", () => {
    const picture = pod(
      { containers: [{ name: "linkerd-proxy" }, { name: "destination" }] },
      {
        phase: "Pending",
        containerStatuses: [waiting("linkerd-proxy", "PostStartHookError"), waiting("destination", "PodInitializing")],
      },
    );
    expect(podStatus(picture)).toBe("PostStartHookError");
    expect(readyColumn(picture)).toBe("0/2");
    expect(proxyKind(picture)).toBe("ordinary");
    expect(isReady(picture)).toBe(false);
  });

  it("B: Init:1/2 behind a native sidecar that doesn't start", () => {
    const picture = pod(
      {
        initContainers: [{ name: "linkerd-init" }, { name: "linkerd-proxy", restartPolicy: "Always" }],
        containers: [{ name: "app" }],
      },
      {
        phase: "Pending",
        initContainerStatuses: [
          { name: "linkerd-init", ready: true, state: { terminated: { exitCode: 0 } } },
          { name: "linkerd-proxy", ready: false, started: false, state: { running: {} } },
        ],
        containerStatuses: [waiting("app", "PodInitializing")],
      },
    );
    expect(podStatus(picture)).toBe("Init:1/2");
    expect(readyColumn(picture)).toBe("0/2");
    expect(proxyKind(picture)).toBe("native");
  });

  it("an image that cannot be pulled, with the reason", () => {
    const picture = pod(
      { containers: [{ name: "app" }] },
      {
        phase: "Pending",
        containerStatuses: [
          { name: "app", ready: false, state: { waiting: { reason: "ErrImagePull", message: "not\n found" } } },
        ],
      },
    );
    expect(podStatus(picture)).toBe("ErrImagePull");
    expect(podReason(picture)).toBe("not found");
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

describe("pages from outside", () => {
  const page = (status: number, body = "", location = "") => ({ status, body, location });

  it("Grafana has to lead to its login", () => {
    expect(checkGrafana(page(302, "", "/login"))).toBe("302 → /login");
    expect(() => checkGrafana(page(200))).toThrow(/answered 200/);
    expect(() => checkGrafana(page(302, "", "/elsewhere"))).toThrow(/elsewhere/);
  });

  it("Bookinfo's page has to be whole", () => {
    const whole = "<html>Book Details … Book Reviews</html>\n";
    expect(checkBookinfo(page(200, whole))).toBe("200");
    expect(() => checkBookinfo(page(200, whole.slice(0, -9)))).toThrow(/not complete/);
    expect(() => checkBookinfo(page(200, "Error fetching product reviews!</html>"))).toThrow(/doesn't reach reviews/);
    expect(() => checkBookinfo(page(503))).toThrow(/503/);
  });

  const nodes = { "control-plane": "203.0.113.7", "worker-1": "203.0.113.11" };

  it("are asked of every node at its address", () => {
    expect(entrances("http://203.0.113.7:30080/productpage", nodes)).toEqual([
      { url: "http://203.0.113.7:30080/productpage", node: "control-plane" },
      { url: "http://203.0.113.11:30080/productpage", node: "worker-1" },
    ]);
  });

  it("keep the name that their certificate is for, at every node", () => {
    const url = "https://grafana.example.com:30300";
    const everywhere = [
      { url: `${url}/`, node: "control-plane", address: "203.0.113.7" },
      { url: `${url}/`, node: "worker-1", address: "203.0.113.11" },
    ];
    expect(entrances(url, nodes)).toEqual([{ url }, ...everywhere]);
    // With a kubeconfig alone it is the cluster that knows the name.
    expect(entrances("https://203.0.113.7:30300", nodes, "grafana.example.com")).toEqual(everywhere);
  });

  it("may have a certificate that nobody else knows, which has to be for their name", async () => {
    const { certificate, key } = selfSignedCertificate("grafana.example.com");
    const server = https.createServer({ cert: certificate, key }, (_, response) =>
      response.writeHead(302, { location: "/login" }).end(),
    );
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    const askedFor = (name: string) => ({ url: `https://${name}:${port}`, address: "127.0.0.1" });
    try {
      const good = askedFor("grafana.example.com");
      expect(await pageAt(good, checkGrafana, certificate)).toMatchObject({ ok: true });
      const untrusted = await pageAt(good, checkGrafana);
      expect(untrusted).toMatchObject({ ok: false, detail: expect.stringContaining("self-signed") as string });
      const other = await pageAt(askedFor("other.example.com"), checkGrafana, certificate);
      expect(other).toMatchObject({ ok: false, detail: expect.stringContaining("altnames") as string });
    } finally {
      server.close();
    }
  });

  it.each([
    [1, true],
    [2, false],
  ])("a page that lacks a part %i times in a row: passes %s", async (times, ok) => {
    let asked = 0;
    const server = createServer((_, response) =>
      response.end(
        asked++ < times ? "Error fetching product details!</html>" : "<html>Book Details Book Reviews</html>",
      ),
    ).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    try {
      expect(await pageAt({ url: `http://127.0.0.1:${port}/productpage` }, checkBookinfo)).toMatchObject({ ok });
      expect(asked).toBe(2);
    } finally {
      server.close();
    }
  });
});

describe("the report", () => {
  const header = { server: "https://x", version: "v1.35.4", startedAt: "now", seconds: 3, leftovers: [] };

  it("is all true for a healthy cluster", () => {
    const report = buildReport(header, healthy(), []);
    expect(report.ok).toBe(true);
    expect(report.groups.every(({ ok }) => ok)).toBe(true);
    expect(report.groups.map(({ name }) => name)).toContain("pod-network");
  });

  it("ends with one line that says it all", () => {
    const printer = new Printer(false);
    expect(printer.closing(buildReport(header, healthy(), [])).at(-1)).toMatch(/^✔ \d+ passed in 3\.0 s$/);
    const broken = printer.closing(buildReport(header, closedSecurityGroup(), [])).at(-1);
    expect(broken).toMatch(/^✘ \d+ passed, 11 failed in/);
  });

  it("puts failures of the same kind on one line", () => {
    const tcp = closedSecurityGroup().filter(({ id }) => id === "pod-network.tcp");
    expect(new Printer(false).group("pod-network", tcp)).toEqual([
      "",
      "pod to pod",
      "✘ pod-network.tcp (0 of 6)",
      expect.stringMatching(/^ {4}control-plane → worker-1, .*: no answer within 5 s$/) as string,
    ]);
  });

  it("says skipped, not passed, where there is nothing", () => {
    const check = skipped({ group: "linkerd", id: "linkerd.ready", title: "meshed pods are Ready" }, "no pods");
    const other = checkOf({ group: "linkerd", id: "linkerd.x", title: "x" }, [{ subject: "x", ok: true }]);
    expect(new Printer(false).group("linkerd", [check, check])).toEqual(["", "Linkerd", "– skipped: no pods"]);
    expect(new Printer(false).group("linkerd", [check, other])[2]).toBe("– meshed pods are Ready: no pods (skipped)");
    expect(checkOf({ group: "linkerd", id: "x", title: "x" }, []).status).toBe("skipped");
  });
});

describe("reasons", () => {
  it.each([
    ["dial tcp 10.0.2.10:10250: i/o timeout", "timeout"],
    ["TIMEOUT", "timeout"],
    ["no answer within 8 s", "timeout"],
    ["REFUSED", "refused"],
    ["DNS: lookup x: i/o timeout", "dns"],
    ["connect: no route to host", "unreachable"],
    ["HTTP 503", "error"],
  ])("%s", (message, reason) => {
    expect(reasonOf(message)).toBe(reason);
  });
});

describe("requests to the API server", () => {
  let server: Server;
  let api: Api;

  beforeAll(async () => {
    server = createServer((request, response) => {
      if (request.url === "/slow") return;
      if (request.url === "/denied") response.writeHead(403).end('{"message":"no way","reason":"Forbidden"}');
      else response.end('{"a":1}');
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    // The real class takes five seconds to load here, and only these two are asked.
    const kubeConfig = {
      getCurrentCluster: () => ({ name: "c", server: `http://127.0.0.1:${port}`, skipTLSVerify: false }),
      applyToHTTPSOptions: () => Promise.resolve(),
    } as unknown as KubeConfig;
    api = await Api.connect(kubeConfig, new AbortController().signal);
  });

  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it("give the object, the server's own message, or the limit that was passed", async () => {
    await expect(api.get("/x")).resolves.toEqual({ a: 1 });
    await expect(api.get("/denied")).rejects.toEqual(new ApiError(403, "no way", "Forbidden"));
    await expect(api.get("/slow", { timeout: 0.05 })).rejects.toThrow("no answer within 0.05 s");
  });
});
