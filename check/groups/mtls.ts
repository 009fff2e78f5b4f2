import { explain, checkOf, skipped, since, type CheckHeader, type CheckResult, type Probe } from "../result";
import type { Context } from "../context";
import { prometheusPath, query, settled } from "./prometheus";

/** Calls of the last minutes from one meshed pod to another, by the name that the callee proved. */
const CALLS = (tls: string): string =>
  "sum by (server_id, namespace, dst_namespace, dst_serviceaccount) " +
  `(increase(request_total{direction="outbound",dst_control_plane_ns!="",tls${tls}}[2m])) > 0`;

interface Call {
  server_id?: string;
  namespace?: string;
  dst_namespace?: string;
  dst_serviceaccount?: string;
}

/**
 * Calls between meshed pods are encrypted, and the callee's certificate names the service account that it runs under.
 * Skipped while Prometheus knows of no call.
 */
export async function mtls({ api, cluster }: Context, hasMeshed: boolean, header: CheckHeader): Promise<CheckResult> {
  const base = prometheusPath(cluster);
  if (base === undefined) return skipped(header, "Prometheus isn't installed");
  const start = performance.now();
  const timed = (): CheckHeader => ({ ...header, seconds: since(start) });
  try {
    const secured = await settled(
      () => query(api, base, CALLS('="true"')),
      ({ length }) => length > 0 || !hasMeshed,
    );
    const clear = await query(api, base, CALLS('!="true"'));
    if (secured.length + clear.length === 0)
      return skipped(timed(), "Prometheus has seen no call between meshed pods (yet)");
    const probes = [...secured.map(({ metric }) => proven(metric)), ...clear.map(({ metric }) => inClear(metric))];
    return checkOf({ ...timed(), detail: "caller → callee, each by its own name" }, probes);
  } catch (error) {
    return skipped(timed(), `Prometheus doesn't answer: ${explain(error).detail}`);
  }
}

const pair = ({ namespace, dst_namespace, dst_serviceaccount }: Call): string =>
  `${namespace} → ${dst_namespace}/${dst_serviceaccount}`;

/** Linkerd names a workload ACCOUNT.NAMESPACE.serviceaccount.identity.… */
function proven(call: Call): Probe {
  const expected = `${call.dst_serviceaccount}.${call.dst_namespace}.serviceaccount.identity.`;
  const subject = pair(call);
  if (call.server_id?.startsWith(expected)) return { subject, ok: true, detail: call.server_id };
  return { subject, ok: false, reason: "wrong-answer", detail: `proved to be ${call.server_id}, not ${expected}…` };
}

function inClear(call: Call): Probe {
  return { subject: pair(call), ok: false, reason: "missing", detail: "calls without TLS in the last 2 minutes" };
}
