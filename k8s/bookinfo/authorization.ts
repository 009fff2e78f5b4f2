import { type MeshObject, type MeshTypes, POLICY_GROUP, SERVER_VERSIONS } from "../linkerd/types";
import { account, PORT_NAME, type ServiceName, SERVICES } from "./services";

/** Who may call a service; productpage is for everybody. */
const CALLERS: Readonly<Record<Exclude<ServiceName, "productpage">, ServiceName>> = {
  details: "productpage",
  reviews: "productpage",
  ratings: "reviews",
};

/** Annotation of the namespace: what no policy allows is refused. Read when a pod is made. */
export const DENY_BY_DEFAULT = { "config.linkerd.io/default-inbound-policy": "deny" };

/** Every client, in the mesh or not. */
const ANYBODY = "anybody";

/** The name that the mesh gives the port on which a proxy serves its metrics. */
const ADMIN_PORT = "linkerd-admin";
const ADMIN = "proxy-admin";

/** What may be read of a proxy: its figures by Prometheus, its state by the kubelet; not its log level, not its end. */
const ADMIN_ROUTES = { "proxy-metrics": ["/metrics"], "proxy-probes": ["/live", "/ready"] };

function policy(
  types: MeshTypes,
  name: string,
  target: { group: string; kind: string },
  client: MeshObject,
): MeshObject {
  const { kind, name: authentication } = client;
  return {
    apiVersion: types.policy,
    kind: "AuthorizationPolicy",
    name,
    spec: {
      targetRef: { ...target, name },
      requiredAuthenticationRefs: [{ group: POLICY_GROUP, kind, name: authentication }],
    },
  };
}

const SERVER = { group: POLICY_GROUP, kind: "Server" };

function server(types: MeshTypes, name: string, podSelector: object, port: string): MeshObject {
  const versions = SERVER_VERSIONS.filter((version) => version !== types.server);
  return {
    apiVersion: types.server,
    kind: "Server",
    versions,
    name,
    spec: { podSelector, port, proxyProtocol: "HTTP/1" },
  };
}

function anybody(types: MeshTypes): MeshObject {
  return {
    apiVersion: types.policy,
    kind: "NetworkAuthentication",
    name: ANYBODY,
    spec: { networks: [{ cidr: "0.0.0.0/0" }, { cidr: "::/0" }] },
  };
}

function caller(types: MeshTypes, service: ServiceName): MeshObject {
  const identityRefs = [{ kind: "ServiceAccount", name: account(service) }];
  return { apiVersion: types.policy, kind: "MeshTLSAuthentication", name: service, spec: { identityRefs } };
}

/**
 * The proxies' own port. Prometheus has no proxy, so it cannot be told by an identity; what it may read is no secret,
 * and the NetworkPolicies say who reaches the port. The kubelet's probes must be named where there are routes at all.
 */
function adminPort(types: MeshTypes, everybody: MeshObject): MeshObject[] {
  const podSelector = { matchExpressions: [{ key: "linkerd.io/control-plane-ns", operator: "Exists" }] };
  const target = { group: types.routeGroup, kind: "HTTPRoute" };
  const routes = Object.entries(ADMIN_ROUTES).flatMap(([name, paths]) => [
    {
      apiVersion: types.route,
      kind: "HTTPRoute",
      name,
      spec: {
        parentRefs: [{ ...SERVER, name: ADMIN }],
        rules: [{ matches: paths.map((value) => ({ path: { type: "Exact", value } })) }],
      },
    },
    policy(types, name, target, everybody),
  ]);
  return [server(types, ADMIN, podSelector, ADMIN_PORT), ...routes];
}

/**
 * Exactly Bookinfo's chain: productpage may call details and reviews, reviews may call ratings, each proven by its
 * certificate; anybody may call productpage, which the node port shows to the outside. The kubelet's probes pass by
 * themselves: Linkerd lets them, on ports without HTTPRoutes.
 */
export function authorization(types: MeshTypes): MeshObject[] {
  const everybody = anybody(types);
  const callers = new Map([...new Set(Object.values(CALLERS))].map((service) => [service, caller(types, service)]));
  const services = SERVICES.flatMap((service) => {
    const client = service === "productpage" ? everybody : callers.get(CALLERS[service]);
    return [
      server(types, service, { matchLabels: { app: service } }, PORT_NAME),
      ...(client ? [policy(types, service, SERVER, client)] : []),
    ];
  });
  return [everybody, ...callers.values(), ...services, ...adminPort(types, everybody)];
}
