/** The groups in the order in which they are printed. */
export const GROUPS = {
  nodes: "nodes",
  system: "cluster services",
  "test-pods": "test pods",
  kubelet: "kubelet through the API server",
  "pod-network": "pod to pod",
  services: "services",
  dns: "DNS",
  "node-ports": "NodePorts",
  webhook: "API server to webhook",
  "network-policies": "network policies",
  prometheus: "Prometheus",
  autoscaling: "autoscaling",
  linkerd: "Linkerd",
  outside: "from outside",
} as const;

export type GroupId = keyof typeof GROUPS;

/** Why a probe failed; the diagnosis decides by it, so it is a closed list. */
export type Reason =
  | "timeout"
  | "refused"
  | "unreachable"
  | "dns"
  | "denied"
  | "wrong-answer"
  | "not-ready"
  | "missing"
  | "down"
  | "expired"
  | "slow"
  | "error";

/** One question to the cluster and its answer. */
export interface Probe {
  /** What was asked, in the words of the field: a node, "node → node", a pod, a URL. */
  subject: string;
  ok: boolean;
  from?: string;
  to?: string;
  reason?: Reason;
  detail?: string;
  seconds?: number;
  /** Facts that the diagnosis needs beyond the above. */
  data?: Record<string, string | number | boolean>;
}

/** A line of the report. `skipped` says that the thing to check isn't there, `warning` that it soon won't hold. */
export interface CheckResult {
  group: GroupId;
  /** Stable name, `group.check`; the diagnosis and readers of the JSON go by it. */
  id: string;
  title: string;
  status: "passed" | "warning" | "failed" | "skipped";
  detail?: string;
  seconds: number;
  probes: Probe[];
}

/** What a check knows besides its probes. */
export interface CheckHeader {
  group: GroupId;
  id: string;
  title: string;
  detail?: string;
  seconds?: number;
}

/** A check that holds if every probe does; without any probe it is skipped, for there was nothing to ask. */
export function checkOf(header: CheckHeader, probes: Probe[]): CheckResult {
  if (probes.length === 0) return skipped(header, header.detail ?? "nothing to ask");
  const status = probes.every(({ ok }) => ok) ? "passed" : "failed";
  const seconds = header.seconds ?? Math.max(...probes.map((probe) => probe.seconds ?? 0));
  return { ...header, status, seconds, probes };
}

/** A check whose component isn't installed, or that another failure made impossible. */
export function skipped(header: CheckHeader, why: string): CheckResult {
  return { ...header, status: "skipped", detail: why, seconds: header.seconds ?? 0, probes: [] };
}

/** A failure without single probes, for instance a component that doesn't answer at all. */
export function failed(header: CheckHeader, error: unknown): CheckResult {
  const { reason, detail } = explain(error);
  return {
    ...header,
    status: "failed",
    detail,
    seconds: header.seconds ?? 0,
    probes: [{ subject: header.title, ok: false, reason, detail }],
  };
}

const REASONS: [RegExp, Reason][] = [
  [/no such host|^DNS:|\blookup\b|EAI_AGAIN|ENOTFOUND/, "dns"],
  // The API server's messages carry the webhook's URL with its `timeout=10s`.
  [/time-?out(?!=)|timed out|deadline exceeded|no answer|ETIMEDOUT|TimeoutError/i, "timeout"],
  [/refused|ECONNREFUSED/i, "refused"],
  [/no route to host|unreachable|EHOSTUNREACH|ENETUNREACH/i, "unreachable"],
  [/forbidden|unauthori[sz]ed/i, "denied"],
];

/** Puts an error message into one of the reasons. */
export function reasonOf(message: string): Reason {
  return REASONS.find(([pattern]) => pattern.test(message))?.[1] ?? "error";
}

/** What Go and the API server put around the part that tells something. */
const WRAPPING = [
  /Internal error occurred: /g,
  /error sending request: /g,
  /failed to call webhook: /g,
  /(?:Get|Post) "[^"]*": /g,
  /\bHTTP 400: host and\/or port param are invalid\. /g,
  / \(Client\.Timeout exceeded[^)]*\)/g,
  /\bconnect: (?=connection refused|network is unreachable|no route to host)/g,
];

/** Reason and one-line text of anything thrown. */
export function explain(error: unknown): { reason: Reason; detail: string } {
  const text = (error instanceof Error ? error.message || error.name : String(error)).trim().replace(/\s+/g, " ");
  const detail = WRAPPING.reduce((rest, pattern) => rest.replace(pattern, ""), text);
  return { reason: reasonOf(text), detail };
}

/** Asks once and turns what is thrown into a failed probe. */
export async function probe(
  identity: Pick<Probe, "subject" | "from" | "to" | "data">,
  ask: () => Promise<string | void>,
): Promise<Probe> {
  const start = performance.now();
  try {
    const detail = await ask();
    return { ...identity, ok: true, ...(detail ? { detail } : {}), seconds: since(start) };
  } catch (error) {
    return { ...identity, ok: false, ...explain(error), seconds: since(start) };
  }
}

/** Seconds since a `performance.now()`, to the millisecond. */
export function since(start: number): number {
  return Math.round(performance.now() - start) / 1000;
}
