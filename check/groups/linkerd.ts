import type { V1ConfigMap, V1Pod, V1Secret } from "@kubernetes/client-node";
import { X509Certificate } from "node:crypto";

import { ApiError, type Api } from "../api";
import type { Context, Group } from "../context";
import { isMeshed, meshPods, proxyKind, type MeshPods } from "../mesh";
import { checkOf, explain, failed, probe, skipped, since, type CheckHeader, type CheckResult } from "../result";
import { prometheusPath, query, settled } from "./prometheus";
import { podProbe } from "./system";

const group = "linkerd" as const;
const HEADERS = {
  controlPlane: { group, id: "linkerd.control-plane", title: "the control plane is Ready" },
  issuer: { group, id: "linkerd.issuer", title: "the identity issuer's certificate is valid" },
  injector: { group, id: "linkerd.injector", title: "a new pod would get its proxy" },
  proxies: { group, id: "linkerd.proxies", title: "every pod of a meshed namespace has its proxy" },
  ready: { group, id: "linkerd.ready", title: "meshed pods are Ready" },
  mtls: { group, id: "linkerd.mtls", title: "Prometheus sees mTLS between meshed pods" },
} satisfies Record<string, CheckHeader>;

/** Days before its end at which a certificate is worth a warning. */
const SOON = 2;

export const linkerd: Group = {
  id: "linkerd",
  async run(context: Context): Promise<CheckResult[]> {
    const mesh = meshPods(context.cluster);
    if (mesh.controlPlane.length === 0) {
      const why = "Linkerd isn't installed: no pod has its control plane's label";
      return Object.values(HEADERS).map((header) => skipped(header, why));
    }
    const nothing = mesh.namespaces.length === 0 ? "no namespace is annotated linkerd.io/inject: enabled" : "no pods";
    const [issuerCheck, injectorCheck, mtlsCheck] = await Promise.all([
      issuer(context.api, mesh.controlNamespace),
      injector(context.api, mesh),
      mtls(context, mesh.pods.some(isMeshed)),
    ]);
    const empty = mesh.pods.length === 0 ? { detail: nothing } : {};
    return [
      checkOf(HEADERS.controlPlane, mesh.controlPlane.map(meshProbe(context))),
      issuerCheck,
      injectorCheck,
      checkOf(
        { ...HEADERS.proxies, detail: mesh.namespaces.join(", ") || nothing },
        mesh.pods.map(proxyProbe(context)),
      ),
      checkOf({ ...HEADERS.ready, ...empty }, mesh.pods.filter(isMeshed).map(meshProbe(context))),
      mtlsCheck,
    ];
  },
};

function meshProbe({ cluster }: Context): (pod: V1Pod) => ReturnType<typeof podProbe> {
  return (pod) => {
    const result = podProbe(pod);
    const onControlPlane = cluster.nodes.some(({ name, controlPlane }) => controlPlane && name === pod.spec?.nodeName);
    const component = pod.metadata?.labels?.["linkerd.io/control-plane-component"] ?? "";
    return { ...result, data: { ...result.data, proxy: proxyKind(pod), component, onControlPlane } };
  };
}

function proxyProbe(context: Context): (pod: V1Pod) => ReturnType<typeof podProbe> {
  return (pod) => {
    const { subject, data = {} } = meshProbe(context)(pod);
    if (isMeshed(pod)) return { subject, ok: true, data };
    const detail = `${String(data.ready)} ${String(data.status)}, without linkerd-proxy`;
    return { subject, ok: false, reason: "missing", detail, data };
  };
}

/** The issuer must be valid today and signed by one of the trust anchors that the proxies know. */
async function issuer(api: Api, namespace: string): Promise<CheckResult> {
  const start = performance.now();
  try {
    const [secret, roots] = await Promise.all([
      api.get<V1Secret>(`/api/v1/namespaces/${namespace}/secrets/linkerd-identity-issuer`),
      api
        .get<V1ConfigMap>(`/api/v1/namespaces/${namespace}/configmaps/linkerd-identity-trust-roots`)
        .catch(() => undefined),
    ]);
    const pem = secret.data?.["crt.pem"] ?? secret.data?.["tls.crt"];
    if (pem === undefined) throw new Error("the Secret linkerd-identity-issuer has neither crt.pem nor tls.crt");
    const certificate = new X509Certificate(Buffer.from(pem, "base64"));
    return judge(certificate, roots?.data?.["ca-bundle.crt"], since(start));
  } catch (error) {
    if (error instanceof ApiError && error.status === 404)
      return skipped(HEADERS.issuer, `no Secret linkerd-identity-issuer in ${namespace}`);
    return failed({ ...HEADERS.issuer, seconds: since(start) }, error);
  }
}

function judge(certificate: X509Certificate, bundle: string | undefined, seconds: number): CheckResult {
  const header = { ...HEADERS.issuer, seconds };
  const days = (Date.parse(certificate.validTo) - Date.now()) / 86_400_000;
  const until = `until ${new Date(certificate.validTo).toISOString().slice(0, 16).replace("T", " ")} UTC`;
  const identity = { subject: "linkerd-identity-issuer" };
  const anchors = bundle?.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  const signed = anchors.some((anchor) => certificate.verify(new X509Certificate(anchor).publicKey));
  if (days <= 0 || Date.parse(certificate.validFrom) > Date.now())
    return checkOf(header, [{ ...identity, ok: false, reason: "expired", detail: `valid only ${until}` }]);
  if (anchors.length > 0 && !signed)
    return checkOf(header, [
      { ...identity, ok: false, reason: "error", detail: "no trust anchor of linkerd-identity-trust-roots signed it" },
    ]);
  const check = checkOf({ ...header, detail: until }, [{ ...identity, ok: true, detail: until }]);
  return days < SOON ? { ...check, status: "warning" } : check;
}

/** A dry run goes through the injector like any other pod, and leaves nothing. */
async function injector(api: Api, { namespaces, pods }: MeshPods): Promise<CheckResult> {
  const [namespace] = namespaces;
  if (namespace === undefined) return skipped(HEADERS.injector, "no namespace is annotated linkerd.io/inject: enabled");
  const image = pods[0]?.spec?.containers[0]?.image ?? "none";
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { generateName: "daybreak-check-" },
    spec: { containers: [{ name: "app", image, resources: { requests: { cpu: "1m", memory: "1Mi" } } }] },
  };
  const answer = await probe({ subject: `API server → proxy-injector, namespace ${namespace}` }, async () => {
    // The API server waits 10 s for a cut-off injector and then lets the pod pass without a proxy.
    const path = `/api/v1/namespaces/${namespace}/pods?dryRun=All`;
    const created = await api.create<V1Pod>(path, pod, { timeout: 9.5 }).catch((error: unknown) => {
      const { reason, detail } = explain(error);
      throw reason === "timeout" ? new Error(`${detail}: the API server waits for the injector`) : error;
    });
    if (!isMeshed(created))
      throw new Error("the API server let the pod pass without a proxy: the injector failed open");
  });
  return checkOf(HEADERS.injector, [answer]);
}

/** Any encrypted request among meshed pods proves it; none at all though there are requests refutes it. */
async function mtls({ api, cluster }: Context, hasMeshed: boolean): Promise<CheckResult> {
  const base = prometheusPath(cluster);
  if (base === undefined) return skipped(HEADERS.mtls, "Prometheus isn't installed");
  const start = performance.now();
  const header = (): CheckHeader => ({ ...HEADERS.mtls, seconds: since(start) });
  try {
    const ask = () => query(api, base, 'count by (tls) ({__name__=~"request_total|response_total", tls!=""})');
    const series = await settled(ask, ({ length }) => length > 0 || !hasMeshed);
    if (series.length === 0) return skipped(header(), "Prometheus has no request_total of any proxy (yet)");
    const encrypted = series.find(({ metric }) => (metric as { tls?: string }).tls === "true")?.value ?? 0;
    const detail = `${encrypted} series with tls="true"`;
    return checkOf({ ...header(), detail }, [{ subject: "mTLS", ok: encrypted > 0, reason: "missing", detail }]);
  } catch (error) {
    return skipped(header(), `Prometheus doesn't answer: ${explain(error).detail}`);
  }
}
