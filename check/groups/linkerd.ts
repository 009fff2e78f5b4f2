import type { V1Pod } from "@kubernetes/client-node";

import type { Api } from "../api";
import type { Context, Group } from "../context";
import { isMeshed, meshPods, proxyKind, type MeshPods } from "../mesh";
import { checkOf, explain, probe, skipped, type CheckHeader, type CheckResult } from "../result";
import { certificates } from "./mesh-certificates";
import { mtls } from "./mtls";
import { podProbe } from "./system";

const group = "linkerd" as const;
const HEADERS = {
  controlPlane: { group, id: "linkerd.control-plane", title: "the control plane is Ready" },
  issuer: { group, id: "linkerd.issuer", title: "the identity issuer is valid and chains to a trust anchor" },
  anchors: { group, id: "linkerd.anchors", title: "the trust anchors are valid, and every proxy knows them" },
  injector: { group, id: "linkerd.injector", title: "a new pod would get its proxy" },
  proxies: { group, id: "linkerd.proxies", title: "every pod of a meshed namespace has its proxy" },
  ready: { group, id: "linkerd.ready", title: "meshed pods are Ready" },
  mtls: { group, id: "linkerd.mtls", title: "calls between meshed pods are mTLS, with the callee's own identity" },
} satisfies Record<string, CheckHeader>;

export const linkerd: Group = {
  id: "linkerd",
  async run(context: Context): Promise<CheckResult[]> {
    const mesh = meshPods(context.cluster);
    if (mesh.controlPlane.length === 0) {
      const why = "Linkerd isn't installed: no pod has its control plane's label";
      return Object.values(HEADERS).map((header) => skipped(header, why));
    }
    const nothing = mesh.namespaces.length === 0 ? "no namespace is annotated linkerd.io/inject: enabled" : "no pods";
    const meshed = mesh.pods.filter(isMeshed);
    const [certificateChecks, injectorCheck, mtlsCheck] = await Promise.all([
      certificates(context.api, mesh.controlNamespace, meshed, HEADERS),
      injector(context.api, mesh),
      mtls(context, meshed.length > 0, HEADERS.mtls),
    ]);
    const empty = mesh.pods.length === 0 ? { detail: nothing } : {};
    return [
      checkOf(HEADERS.controlPlane, mesh.controlPlane.map(meshProbe(context))),
      ...certificateChecks,
      injectorCheck,
      checkOf(
        { ...HEADERS.proxies, detail: mesh.namespaces.join(", ") || nothing },
        mesh.pods.map(proxyProbe(context)),
      ),
      checkOf({ ...HEADERS.ready, ...empty }, meshed.map(meshProbe(context))),
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
