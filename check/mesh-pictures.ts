import { failedIds, failures, listed, type Diagnosis, type Names } from "./findings";
import type { CheckResult, Probe } from "./result";

/** States in which an ordinary proxy container that cannot get its identity is seen, one after the other. */
const ORDINARY_STATES = ["PodInitializing", "PostStartHookError", "CrashLoopBackOff"];

const CAUSE = "the proxies cannot reach linkerd-identity and DNS on other nodes";

/**
 * Recognises the four pictures that a mesh shows when the way between nodes is cut: A and B, the control plane doesn't
 * come up; C, it does because it is pinned to one node, and hides the fault; D, pods run without a mesh and nobody says
 * so.
 *
 * @param cut whether the network checks failed as well: the cause is then known
 */
export function meshPictures(checks: CheckResult[], names: Names, cut: boolean): Diagnosis[] {
  const pictures = [pictureAB(checks, names), pictureC(checks, names, cut), pictureD(checks, names, cut)];
  return pictures.filter((picture) => picture !== undefined);
}

function pictureAB(checks: CheckResult[], { stack }: Names): Diagnosis | undefined {
  const control = checks.find(({ id }) => id === "linkerd.control-plane")?.probes ?? [];
  const identity = control.filter(isComponent("identity"));
  const stuck = control.filter((pod) => !pod.ok && !isComponent("identity")(pod));
  if (stuck.length === 0 || identity.length === 0 || !identity.every(({ ok }) => ok)) return undefined;
  const native = stuck.filter(({ data }) => data?.proxy === "native" && /^Init:\d/.test(String(data.status)));
  const ordinary = stuck.filter(
    ({ data }) => data?.proxy === "ordinary" && ORDINARY_STATES.includes(String(data.status)),
  );
  if (ordinary.length > 0)
    return picture("a", checks, `proxies as ordinary containers: ${states(ordinary)}; ${CAUSE}`, stack);
  if (native.length > 0)
    return picture(
      "b",
      checks,
      `native sidecars: ${states(native)}, startup probe of the proxy fails; ${CAUSE}`,
      stack,
    );
  return undefined;
}

function picture(letter: "a" | "b", checks: CheckResult[], text: string, stack: string): Diagnosis {
  return {
    id: `mesh-${letter}`,
    cause: `picture ${letter.toUpperCase()}, ${text}`,
    remedy: `open the traffic between the nodes (pulumi up --refresh -s ${stack}); the pods then become Ready by themselves within half a minute`,
    explains: failedIds(checks, "linkerd"),
  };
}

function pictureC(checks: CheckResult[], { stack }: Names, cut: boolean): Diagnosis | undefined {
  const control = checks.find(({ id }) => id === "linkerd.control-plane")?.probes ?? [];
  const pinned = control.length > 0 && control.every(({ ok, data }) => ok && data?.onControlPlane === true);
  const waiting = failures(checks, "linkerd.ready").filter(
    ({ data }) => data?.onControlPlane === false && isWaitingForProxy(data),
  );
  if (!pinned || (!cut && waiting.length === 0)) return undefined;
  const seen = waiting.length > 0 ? `; meshed pods elsewhere wait for their proxy: ${states(waiting)}` : "";
  return {
    id: "mesh-c",
    cause: `picture C, the pinned control plane hides the fault: Linkerd is Ready because all of it runs on the control-plane node${seen}`,
    remedy: `don't trust that it is Ready; open the traffic between the nodes (pulumi up --refresh -s ${stack}), meshed pods then become Ready within seconds`,
    explains: failedIds(checks, "linkerd.ready", "linkerd.mtls"),
  };
}

function pictureD(checks: CheckResult[], { stack }: Names, cut: boolean): Diagnosis | undefined {
  const unmeshed = failures(checks, "linkerd.proxies");
  if (unmeshed.length === 0) return undefined;
  const namespaces = [...new Set(unmeshed.map(({ subject }) => subject.split("/")[0] ?? ""))];
  const restart = namespaces.map((namespace) => `kubectl -n ${namespace} rollout restart deployment`).join("; ");
  const first = cut ? `open the traffic between the nodes (pulumi up --refresh -s ${stack}), then ` : "";
  return {
    id: "mesh-d",
    cause:
      `picture D, silently unmeshed pods: ${listed(unmeshed.map(({ subject }) => subject))} run without linkerd-proxy; ` +
      "they were made while the API server could not call the injector, which fails open",
    remedy: `${first}${restart}`,
    explains: failedIds(checks, "linkerd.proxies", "linkerd.injector", "linkerd.mtls"),
  };
}

function isComponent(name: string): (pod: Probe) => boolean {
  return ({ data }) => data?.component === name;
}

function isWaitingForProxy(data: Probe["data"]): boolean {
  const status = String(data?.status);
  return /^Init:\d/.test(status) || ORDINARY_STATES.includes(status);
}

/** "linkerd/linkerd-destination-x 0/4 PostStartHookError, …", at most three. */
function states(pods: Probe[]): string {
  const shown = pods
    .slice(0, 3)
    .map(({ subject, data }) => `${subject} ${String(data?.ready)} ${String(data?.status)}`);
  return shown.join(", ") + (pods.length > 3 ? ` and ${pods.length - 3} more` : "");
}
