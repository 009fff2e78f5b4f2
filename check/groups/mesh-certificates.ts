import type { V1ConfigMap, V1Pod, V1Secret } from "@kubernetes/client-node";
import { X509Certificate } from "node:crypto";

import { ApiError, type Api } from "../api";
import { proxyOf } from "../mesh";
import { checkOf, failed, skipped, since, type CheckHeader, type CheckResult, type Probe } from "../result";

/** Days before its end at which a certificate is worth a warning: an `up` renews the issuer in its last 30. */
const SOON = 21;
const DAY = 86_400_000;

export interface CertificateHeaders {
  issuer: CheckHeader;
  anchors: CheckHeader;
}

/** The issuer must be valid today and signed by an anchor, the anchors valid too, and every proxy must know them all. */
export async function certificates(
  api: Api,
  namespace: string,
  meshed: readonly V1Pod[],
  headers: CertificateHeaders,
): Promise<CheckResult[]> {
  const start = performance.now();
  const timed = (header: CheckHeader): CheckHeader => ({ ...header, seconds: since(start) });
  try {
    const [secret, roots] = await Promise.all([
      api.get<V1Secret>(`/api/v1/namespaces/${namespace}/secrets/linkerd-identity-issuer`),
      api
        .get<V1ConfigMap>(`/api/v1/namespaces/${namespace}/configmaps/linkerd-identity-trust-roots`)
        .catch(() => undefined),
    ]);
    const pem = secret.data?.["crt.pem"] ?? secret.data?.["tls.crt"];
    if (pem === undefined) throw new Error("the Secret linkerd-identity-issuer has neither crt.pem nor tls.crt");
    const bundle = roots?.data?.["ca-bundle.crt"] ?? "";
    const issuer = new X509Certificate(Buffer.from(pem, "base64"));
    return [
      judgeIssuer(timed(headers.issuer), issuer, certificatesIn(bundle)),
      judgeAnchors(timed(headers.anchors), bundle, meshed),
    ];
  } catch (error) {
    if (error instanceof ApiError && error.status === 404)
      return [headers.issuer, headers.anchors].map((header) =>
        skipped(header, `no Secret linkerd-identity-issuer in ${namespace}`),
      );
    return [failed(timed(headers.issuer), error), skipped(headers.anchors, "the certificates cannot be read")];
  }
}

function certificatesIn(bundle: string): X509Certificate[] {
  const pems = bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return pems.map((pem) => new X509Certificate(pem));
}

const daysLeft = (certificate: X509Certificate): number => (Date.parse(certificate.validTo) - Date.now()) / DAY;

function lasts(certificate: X509Certificate): string {
  const until = new Date(certificate.validTo).toISOString().slice(0, 16).replace("T", " ");
  return `${Math.floor(daysLeft(certificate))} days, until ${until} UTC`;
}

function validity(subject: string, certificate: X509Certificate): Probe {
  const valid = daysLeft(certificate) > 0 && Date.parse(certificate.validFrom) <= Date.now();
  if (valid) return { subject, ok: true, detail: lasts(certificate) };
  const [from, to] = [certificate.validFrom, certificate.validTo].map((time) =>
    new Date(time).toISOString().slice(0, 16),
  );
  return { subject, ok: false, reason: "expired", detail: `valid only from ${from} to ${to}` };
}

/** Holds today, but not for long. */
function warnOf(check: CheckResult, all: readonly X509Certificate[]): CheckResult {
  const soon = all.some((certificate) => daysLeft(certificate) < SOON);
  return soon && check.status === "passed" ? { ...check, status: "warning" } : check;
}

function judgeIssuer(header: CheckHeader, issuer: X509Certificate, anchors: X509Certificate[]): CheckResult {
  const valid = validity("linkerd-identity-issuer", issuer);
  const chain: Probe = { subject: "issuer → trust anchor", ok: true };
  const chained = anchors.some((anchor) => issuer.checkIssued(anchor) && issuer.verify(anchor.publicKey));
  const broken = { reason: "error", detail: "no trust anchor of linkerd-identity-trust-roots signed it" } as const;
  const probes = anchors.length === 0 || chained ? [valid, chain] : [valid, { ...chain, ok: false, ...broken }];
  return warnOf(checkOf({ ...header, detail: lasts(issuer) }, probes), [issuer]);
}

/** A proxy learns the anchors when it starts: one that is older than the bundle may refuse its neighbours. */
function judgeAnchors(header: CheckHeader, bundle: string, meshed: readonly V1Pod[]): CheckResult {
  const anchors = certificatesIn(bundle);
  const pods = meshed.flatMap((pod): Probe[] => {
    const known = anchorsOf(pod);
    if (known === undefined) return [];
    const { namespace, name } = pod.metadata ?? {};
    const subject = `${namespace}/${name}`;
    if (known.trim() === bundle.trim()) return [{ subject, ok: true }];
    const detail = "started with other trust anchors than today's: restart it";
    return [{ subject, ok: false, reason: "wrong-answer", detail }];
  });
  const own = anchors.map((anchor, index) => validity(`trust anchor ${index + 1} of ${anchors.length}`, anchor));
  const detail = anchors.map(lasts).join("; ");
  return warnOf(checkOf({ ...header, detail }, [...own, ...pods]), anchors);
}

/** What stands in the pod; undefined where it comes from the ConfigMap itself, as in the control plane's own pods. */
function anchorsOf(pod: V1Pod): string | undefined {
  return proxyOf(pod)?.env?.find(({ name }) => name === "LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS")?.value;
}
