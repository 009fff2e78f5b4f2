/** Keys and certificates of the lab's tls plugin, judged by OpenSSL and OpenSSH. No Pulumi engine. */
import "reflect-metadata";
import { execFileSync } from "node:child_process";
import { createHash, createPublicKey, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AnyResourceType, Context } from "../../lab/plugins/server/provider";
import { locallySignedCertType } from "../../lab/plugins/tls/locally-signed";
import { privateKeyType } from "../../lab/plugins/tls/private-key";
import { certRequestType } from "../../lab/plugins/tls/request";
import { selfSignedCertType } from "../../lab/plugins/tls/self-signed";

const directory = mkdtempSync(join(tmpdir(), "daybreak-certificates-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const ctx = { name: "test", signal: new AbortController().signal } as Context;

async function make(type: AnyResourceType, inputs: object): Promise<Record<string, string>> {
  const { state } = await type.create(inputs, ctx);
  return state as Record<string, string>;
}

function file(name: string, content: string | undefined): string {
  const path = join(directory, name);
  writeFileSync(path, content ?? "", { mode: 0o600 });
  return path;
}

function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

const kinds = [
  { algorithm: "RSA", rsaBits: 2048 },
  { algorithm: "ECDSA", ecdsaCurve: "P256" },
  { algorithm: "ECDSA", ecdsaCurve: "P384" },
  { algorithm: "ED25519" },
];

test.each(kinds)("OpenSSL and OpenSSH read the key %j in each notation", async (kind) => {
  const key = await make(privateKeyType, kind);
  for (const notation of ["privateKeyPem", "privateKeyPemPkcs8"]) {
    const derived = run("openssl", "pkey", "-in", file(notation, key[notation]), "-pubout");
    expect(derived).toBe(key["publicKeyPem"]);
  }
  const derived = run("ssh-keygen", "-y", "-f", file("openssh", key["privateKeyOpenssh"]));
  expect(derived.trim()).toBe(key["publicKeyOpenssh"]?.trim());
  const publicFile = file("openssh.pub", key["publicKeyOpenssh"]);
  expect(run("ssh-keygen", "-l", "-f", publicFile)).toContain(` ${key["publicKeyFingerprintSha256"]} `);
  const md5 = run("ssh-keygen", "-l", "-E", "md5", "-f", publicFile);
  expect(md5).toContain(` MD5:${key["publicKeyFingerprintMd5"]} `);
});

test("P224, which SSH doesn't know, has no SSH notation", async () => {
  const key = await make(privateKeyType, { algorithm: "ECDSA" });
  expect(key).toMatchObject({ ecdsaCurve: "P224", publicKeyOpenssh: "", privateKeyOpenssh: "" });
});

async function authority(extra: object = {}, kind: object = { algorithm: "ECDSA", ecdsaCurve: "P256" }) {
  const { privateKeyPem = "" } = await make(privateKeyType, kind);
  const certificate = await make(selfSignedCertType, {
    privateKeyPem,
    subject: { commonName: "kubernetes" },
    isCaCertificate: true,
    allowedUses: ["cert_signing", "digital_signature", "key_encipherment"],
    validityPeriodHours: 87600,
    ...extra,
  });
  return { privateKeyPem, certPem: certificate["certPem"] ?? "", state: certificate };
}

async function signed(root: { privateKeyPem: string; certPem: string }, request: object, extra: object) {
  const key = await make(privateKeyType, { algorithm: "ECDSA", ecdsaCurve: "P256" });
  const { certRequestPem } = await make(certRequestType, { privateKeyPem: key["privateKeyPem"], ...request });
  const certificate = await make(locallySignedCertType, {
    certRequestPem,
    caCertPem: root.certPem,
    caPrivateKeyPem: root.privateKeyPem,
    validityPeriodHours: 24,
    ...extra,
  });
  return { privateKeyPem: key["privateKeyPem"] ?? "", certPem: certificate["certPem"] ?? "", state: certificate };
}

test("a chain of root, issuer and leaf is valid for its purpose and its names", async () => {
  const root = await authority({ maxPathLength: 1 });
  const issuer = await signed(
    root,
    { subject: { commonName: "identity.linkerd.cluster.local" } },
    { isCaCertificate: true, maxPathLength: 0, allowedUses: ["cert_signing", "crl_signing"] },
  );
  const request = {
    subject: { commonName: "kube-apiserver", organization: "system:masters" },
    dnsNames: ["kubernetes.default.svc"],
    ipAddresses: ["10.96.0.1", "fd00::1"],
    uris: ["spiffe://cluster.local/api"],
  };
  const leaf = await signed(issuer, request, { allowedUses: ["server_auth", "digital_signature"] });
  const [rootFile, issuerFile, leafFile] = [
    file("root.pem", root.certPem),
    file("issuer.pem", issuer.certPem),
    file("leaf.pem", leaf.certPem),
  ];
  const purpose = ["-purpose", "sslserver", "-x509_strict", "-verify_hostname", "kubernetes.default.svc"];
  const chain = ["-CAfile", rootFile, "-untrusted", issuerFile, leafFile];
  expect(run("openssl", "verify", ...purpose, ...chain)).toContain("OK");
  const certificate = new X509Certificate(leaf.certPem);
  expect(certificate.subject).toBe("O=system:masters\nCN=kube-apiserver");
  expect(certificate.checkIP("10.96.0.1")).toBe("10.96.0.1");
  expect(certificate.subjectAltName).toContain("URI:spiffe://cluster.local/api");
  const text = run("openssl", "x509", "-in", issuerFile, "-noout", "-text");
  expect(text).toMatch(/Basic Constraints: critical\s+CA:TRUE, pathlen:0/);
  expect(text).toMatch(/Key Usage: critical\s+Certificate Sign, CRL Sign/);
  const keyId = /Subject Key Identifier: *\n *([0-9A-F:]+)/.exec(
    run("openssl", "x509", "-in", rootFile, "-noout", "-text"),
  );
  expect(text).toMatch(new RegExp(`Authority Key Identifier: *\\n *(keyid:)?${keyId?.[1]}`));
});

test("a path longer than the issuer allows is not valid", async () => {
  const root = await authority({ maxPathLength: 0 });
  const ca = { isCaCertificate: true, allowedUses: ["cert_signing"] };
  const issuer = await signed(root, { subject: { commonName: "issuer" } }, ca);
  const leaf = await signed(issuer, { subject: { commonName: "leaf" } }, { allowedUses: ["server_auth"] });
  const chain = ["-CAfile", file("root.pem", root.certPem), "-untrusted", file("issuer.pem", issuer.certPem)];
  expect(() => run("openssl", "verify", ...chain, file("leaf.pem", leaf.certPem))).toThrow(/path length/);
});

test("kubeadm's hash of a root is the hash of its public key", async () => {
  const { certPem } = await authority();
  const der = run("openssl", "x509", "-in", file("ca.crt", certPem), "-pubkey", "-noout");
  const expected = createHash("sha256").update(createPublicKey(der).export({ type: "spki", format: "der" }));
  const spki = new X509Certificate(certPem).publicKey.export({ type: "spki", format: "der" });
  expect(createHash("sha256").update(spki).digest("hex")).toBe(expected.digest("hex"));
});

test.each(kinds)("a root with the key %j verifies with itself, its key identifiers are alike", async (kind) => {
  const { certPem, state } = await authority({ setAuthorityKeyId: true, setSubjectKeyId: true }, kind);
  const path = file("self.pem", certPem);
  expect(run("openssl", "verify", "-x509_strict", "-CAfile", path, path)).toContain("OK");
  expect(state["keyAlgorithm"]).toBe(kind.algorithm);
});

test("a foreign key is refused", async () => {
  const [root, other] = [await authority(), await authority()];
  const mixed = { certPem: root.certPem, privateKeyPem: other.privateKeyPem };
  const leaf = signed(mixed, { subject: { commonName: "leaf" } }, { allowedUses: [] });
  await expect(leaf).rejects.toThrow("caPrivateKeyPem is not the key of caCertPem");
});

test("a certificate is made anew within its early renewal, not before", async () => {
  const { privateKeyPem, state } = await authority({ validityPeriodHours: 24 });
  const inputs = { privateKeyPem, isCaCertificate: true, allowedUses: [], validityPeriodHours: 24 };
  const old = { id: "1", state, inputs };
  expect(await selfSignedCertType.diff?.(old, inputs, ctx)).toMatchObject({ changes: false });
  const early = { ...inputs, earlyRenewalHours: 25 };
  expect(await selfSignedCertType.diff?.(old, early, ctx)).toMatchObject({ replaces: ["readyForRenewal"] });
  const later = { ...inputs, earlyRenewalHours: 2 };
  expect(await selfSignedCertType.diff?.(old, later, ctx)).toMatchObject({
    replaces: [],
    updates: ["earlyRenewalHours"],
  });
  const expired = { ...old, state: { ...state, validityEndTime: "2020-01-01T00:00:00Z" } };
  expect(await selfSignedCertType.read?.(expired, ctx)).toMatchObject({ state: { readyForRenewal: true } });
});
