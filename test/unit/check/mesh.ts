import type { V1Pod } from "@kubernetes/client-node";
import { webcrypto } from "node:crypto";
import "reflect-metadata";

import * as x509 from "@peculiar/x509";

import type { Api } from "../../../check/api";
import type { Cluster } from "../../../check/cluster";
import type { Context } from "../../../check/context";
import { certificates } from "../../../check/groups/mesh-certificates";
import { mtls } from "../../../check/groups/mtls";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const DAY = 86_400_000;

interface Authority {
  certificate: x509.X509Certificate;
  keys: webcrypto.CryptoKeyPair;
}

beforeAll(() => {
  x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0]);
});

/** A certificate authority that lasts so many days, signed by another or by itself. */
async function authority(name: string, days: number, by?: Authority): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const common = {
    subject: `CN=${name}`,
    notBefore: new Date(Date.now() - 400 * DAY),
    notAfter: new Date(Date.now() + days * DAY),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: (by?.keys ?? keys).privateKey,
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
  };
  const issuer = by?.certificate.subject ?? common.subject;
  return { certificate: await x509.X509CertificateGenerator.create({ ...common, issuer }), keys };
}

const pem = ({ certificate }: Authority): string => `${certificate.toString("pem")}\n`;

function meshedPod(name: string, anchors?: string): V1Pod {
  const env = [{ name: "LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS", ...(anchors !== undefined && { value: anchors }) }];
  return {
    metadata: { namespace: "bookinfo", name },
    spec: { containers: [], initContainers: [{ name: "linkerd-proxy", env }] },
  };
}

const HEADERS = {
  issuer: { group: "linkerd" as const, id: "linkerd.issuer", title: "issuer" },
  anchors: { group: "linkerd" as const, id: "linkerd.anchors", title: "anchors" },
};

function checkOf(issuer: string, bundle: string, pods: V1Pod[]) {
  const get = (path: string) =>
    Promise.resolve(
      path.includes("/secrets/")
        ? { data: { "crt.pem": Buffer.from(issuer).toString("base64") } }
        : { data: { "ca-bundle.crt": bundle } },
    );
  return certificates({ get } as unknown as Api, "linkerd", pods, HEADERS);
}

describe("the mesh's certificates", () => {
  let root: Authority;
  let other: Authority;
  let issuer: Authority;

  beforeAll(async () => {
    root = await authority("root.linkerd.cluster.local", 3650);
    other = await authority("root.linkerd.cluster.local", 3650);
    issuer = await authority("identity.linkerd.cluster.local", 365, root);
  });

  it("pass, with how long they last, where one of the anchors signed the issuer and every proxy knows them all", async () => {
    const bundle = pem(root) + pem(other);
    const checks = await checkOf(pem(issuer), bundle, [meshedPod("a", `${bundle}\n`), meshedPod("plane")]);
    expect(checks.map(({ status }) => status)).toEqual(["passed", "passed"]);
    expect(checks[0]?.detail).toMatch(/^36[45] days, until \d{4}-/);
    expect(checks[1]?.detail?.split(";")).toHaveLength(2);
  });

  it("fail where no anchor signed the issuer", async () => {
    const [check] = await checkOf(pem(issuer), pem(other), []);
    expect(check?.status).toBe("failed");
    expect(check?.probes.find(({ ok }) => !ok)?.detail).toMatch(/no trust anchor/);
  });

  it("fail where a proxy started with other anchors, and name its pod", async () => {
    const pods = [meshedPod("old", pem(root)), meshedPod("new", pem(root) + pem(other))];
    const [, check] = await checkOf(pem(issuer), pem(root) + pem(other), pods);
    expect(check?.probes.filter(({ ok }) => !ok)).toMatchObject([{ subject: "bookinfo/old" }]);
  });

  it("warn before the issuer's end, and fail after it", async () => {
    const ending = await authority("identity.linkerd.cluster.local", 10, root);
    const ended = await authority("identity.linkerd.cluster.local", -1, root);
    expect((await checkOf(pem(ending), pem(root), []))[0]?.status).toBe("warning");
    expect((await checkOf(pem(ended), pem(root), []))[0]).toMatchObject({
      status: "failed",
      probes: [{ reason: "expired" }, {}],
    });
  });
});

describe("mTLS between meshed pods", () => {
  const header = { group: "linkerd" as const, id: "linkerd.mtls", title: "mTLS" };
  const call = (server_id?: string) => ({
    metric: { namespace: "bookinfo", dst_namespace: "bookinfo", dst_serviceaccount: "bookinfo-ratings", server_id },
    value: [0, "12"],
  });

  function checkWith(secured: object[], clear: object[]) {
    const labels = { app: "kube-prometheus-stack-prometheus" };
    const services = [{ metadata: { namespace: "monitoring", name: "p", labels }, spec: { ports: [{ port: 9090 }] } }];
    const get = (path: string) =>
      Promise.resolve({ data: { result: decodeURIComponent(path).includes('tls="true"') ? secured : clear } });
    const context = { api: { get } as unknown as Api, cluster: { services } as unknown as Cluster };
    return mtls(context as unknown as Context, false, header);
  }

  const OWN = "bookinfo-ratings.bookinfo.serviceaccount.identity.linkerd.cluster.local";

  it("passes where each callee proved to be its service account", async () => {
    expect(await checkWith([call(OWN)], [])).toMatchObject({
      status: "passed",
      probes: [{ detail: OWN }],
    });
  });

  it("fails where somebody else answered", async () => {
    const check = await checkWith([call(OWN.replace("ratings", "details"))], []);
    expect(check.probes[0]?.detail).toMatch(/proved to be bookinfo-details/);
    expect(check.status).toBe("failed");
  });

  it("fails where a meshed pod is called in clear", async () => {
    expect(await checkWith([call(OWN)], [call()])).toMatchObject({ status: "failed" });
  });

  it("says nothing of a mesh without calls", async () => {
    expect((await checkWith([], [])).status).toBe("skipped");
  });
});
