import type * as k8s from "@pulumi/kubernetes";

import { PORT, type ServiceName } from "../bookinfo/services";
import { GATEWAY_PORT } from "../grafana-https/caddy";
import { LOG_AGENT, LOGS_NAMESPACE, LOKI, LOKI_PORT } from "../logs/names";
import { MONITORING_NAMESPACE } from "../monitoring/names";
import { COLLECTOR, JAEGER, JAEGER_PORT, OTLP_PORT, TRACE_COLLECTOR, TRACES_NAMESPACE } from "../traces/names";
import {
  anyPod,
  type ClusterNetwork,
  hosts,
  neighbours,
  outside,
  type Peer,
  podsIn,
  type Port,
  tcp,
  udp,
} from "./peers";

/** One policy: its namespace, its name there, and its spec. */
export interface Policy {
  namespace: string;
  name: string;
  spec: k8s.types.input.networking.v1.NetworkPolicySpec;
}

/** Linkerd's ports. A proxy takes calls at the application's port or, wrapped, at its own. */
const MESH = { inbound: 4143, tap: 4190, identity: 8080, destination: 8086, policy: 8090 } as const;

const GRAFANA_PORT = 3000;
const PROMETHEUS_PORT = 9090;
/** On the control-plane node, where the API's service leads. */
const API_SERVER_PORT = 6443;

/** Whoever holds Prometheus sees every figure already; which port a figure is at is the monitor's matter. */
const PROMETHEUS = podsIn(MONITORING_NAMESPACE, { "app.kubernetes.io/name": "prometheus" });
const TAP = podsIn("linkerd-viz", { component: "tap" });
const DNS = podsIn("kube-system", { "k8s-app": "kube-dns" });

/** Calls of one meshed workload to another. */
const MESHED_HTTP: Port[] = [tcp(PORT), tcp(MESH.inbound)];

const ALL_PODS = { podSelector: {} };

const only = (matchLabels: Record<string, string>) => ({ podSelector: { matchLabels } });

/** Nothing comes in, and where `types` says so nothing goes out, but what another policy lets through. */
function defaultDeny(namespace: string, types: readonly ("Ingress" | "Egress")[]): Policy {
  return { namespace, name: "default-deny", spec: { ...ALL_PODS, policyTypes: [...types] } };
}

function ingress(namespace: string, name: string, from: Peer[], ports?: Port[]): Policy {
  const rule = { from, ...(ports && { ports }) };
  return { namespace, name, spec: { ...ALL_PODS, policyTypes: ["Ingress"], ingress: [rule] } };
}

/** Spans of a proxy, at the collector or at its proxy. */
const SPANS: Port[] = [tcp(OTLP_PORT), tcp(MESH.inbound)];

/**
 * What every meshed pod needs: names, a certificate, where to send a call and who may call; to be tapped and read; and to
 * send its spans, where somebody takes them.
 */
function meshed(namespace: string, { traces }: Pick<Parts, "traces">): Policy {
  const collector = { to: [podsIn(TRACES_NAMESPACE, TRACE_COLLECTOR)], ports: SPANS };
  return {
    namespace,
    name: "mesh",
    spec: {
      ...ALL_PODS,
      policyTypes: ["Ingress", "Egress"],
      ingress: [
        { from: [PROMETHEUS] },
        { from: [TAP], ports: [tcp(MESH.tap)] },
        // Answers on a connection that is older than the policies count as calls: the control plane's may pass.
        { from: [podsIn("linkerd")] },
      ],
      egress: [
        { to: [DNS], ports: [udp(53), tcp(53)] },
        { to: [podsIn("linkerd")], ports: [MESH.identity, MESH.destination, MESH.policy, MESH.inbound].map(tcp) },
        ...(traces ? [collector] : []),
      ],
    },
  };
}

/** What one of Bookinfo's services takes and makes calls from and to. */
function service(app: ServiceName, callers: Peer[], callees: readonly ServiceName[]): Policy {
  const to = callees.map((callee) => neighbours({ app: callee }));
  return {
    namespace: "bookinfo",
    name: app,
    spec: {
      podSelector: { matchLabels: { app } },
      policyTypes: ["Ingress", "Egress"],
      ingress: [{ from: callers, ports: MESHED_HTTP }],
      egress: to.length > 0 ? [{ to, ports: MESHED_HTTP }] : [],
    },
  };
}

/** The application: the chain productpage → details and reviews → ratings, the mesh, and nothing else, in or out. */
function bookinfo(network: ClusterNetwork, parts: Parts): Policy[] {
  const page = [outside(network), ...hosts(network), podsIn("traffic")];
  return [
    defaultDeny("bookinfo", ["Ingress", "Egress"]),
    meshed("bookinfo", parts),
    service("productpage", page, ["details", "reviews"]),
    service("details", [neighbours({ app: "productpage" })], []),
    service("reviews", [neighbours({ app: "productpage" })], ["ratings"]),
    service("ratings", [neighbours({ app: "reviews" })], []),
  ];
}

/** The generator: to the page, and nowhere else. */
function traffic(parts: Parts): Policy[] {
  const page = podsIn("bookinfo", { app: "productpage" });
  const egress = [{ to: [page], ports: MESHED_HTTP }];
  return [
    defaultDeny("traffic", ["Ingress", "Egress"]),
    meshed("traffic", parts),
    { namespace: "traffic", name: "page", spec: { ...ALL_PODS, policyTypes: ["Egress"], egress } },
  ];
}

/**
 * The mesh's control plane: proxies from anywhere in the cluster, and the API server's webhooks. What it calls itself,
 * the API server above all, is not limited.
 */
function linkerd(network: ClusterNetwork): Policy[] {
  const ports = [MESH.identity, MESH.destination, MESH.policy, MESH.inbound].map(tcp);
  return [
    defaultDeny("linkerd", ["Ingress"]),
    ingress("linkerd", "proxies", [anyPod(network)], ports),
    ingress("linkerd", "hosts", hosts(network)),
    ingress("linkerd", "prometheus", [PROMETHEUS]),
    ingress("linkerd", "tap", [TAP], [tcp(MESH.tap)]),
  ];
}

/** The viz extension: its parts among themselves, and the API server, whose extension tap is. */
function viz(network: ClusterNetwork): Policy[] {
  return [
    defaultDeny("linkerd-viz", ["Ingress"]),
    ingress("linkerd-viz", "neighbours", [neighbours(), podsIn("linkerd")]),
    ingress("linkerd-viz", "hosts", hosts(network)),
    ingress("linkerd-viz", "prometheus", [PROMETHEUS]),
  ];
}

/** Monitoring reads every node and pod and may write to anybody's chat, so what goes out is not limited. */
function monitoring(network: ClusterNetwork, grafanaHttps: boolean): Policy[] {
  const to = (name: string, from: Peer[], port: number): Policy => ({
    namespace: MONITORING_NAMESPACE,
    name,
    spec: {
      ...only({ "app.kubernetes.io/name": name }),
      policyTypes: ["Ingress"],
      ingress: [{ from, ports: [tcp(port)] }],
    },
  });
  return [
    defaultDeny(MONITORING_NAMESPACE, ["Ingress"]),
    ingress(MONITORING_NAMESPACE, "neighbours", [neighbours()]),
    ingress(MONITORING_NAMESPACE, "hosts", hosts(network)),
    to("grafana", [outside(network)], grafanaHttps ? GATEWAY_PORT : GRAFANA_PORT),
    to("prometheus", [podsIn("linkerd-viz")], PROMETHEUS_PORT),
  ];
}

/**
 * Logs: the agents write to Loki, Grafana asks it, and so may who asks through the API server. Nobody in it needs more.
 */
function logs(network: ClusterNetwork): Policy[] {
  const loki = [tcp(LOKI_PORT)];
  const grafana = podsIn(MONITORING_NAMESPACE, { "app.kubernetes.io/name": "grafana" });
  const readers = [neighbours(LOG_AGENT), grafana, ...hosts(network)];
  return [
    defaultDeny(LOGS_NAMESPACE, ["Ingress", "Egress"]),
    ingress(LOGS_NAMESPACE, "prometheus", [PROMETHEUS]),
    {
      namespace: LOGS_NAMESPACE,
      name: "loki",
      spec: { ...only(LOKI), policyTypes: ["Ingress"], ingress: [{ from: readers, ports: loki }] },
    },
    {
      namespace: LOGS_NAMESPACE,
      name: "log-agent",
      spec: {
        ...only(LOG_AGENT),
        policyTypes: ["Egress"],
        egress: [
          { to: [DNS], ports: [udp(53), tcp(53)] },
          { to: [neighbours(LOKI)], ports: loki },
        ],
      },
    },
  ];
}

/**
 * Traces: every proxy sends spans to the collector, also one that nobody knows by name yet; it sends them to Jaeger, and asks
 * the API server which pods they come from. Grafana asks Jaeger, and so may who asks through the API server.
 */
function traces(network: ClusterNetwork): Policy[] {
  const grafana = podsIn(MONITORING_NAMESPACE, { "app.kubernetes.io/name": "grafana" });
  const fromCollector = { from: [neighbours(TRACE_COLLECTOR)], ports: [tcp(OTLP_PORT)] };
  const readers = { from: [grafana, ...hosts(network)], ports: [tcp(JAEGER_PORT)] };
  const egress = [
    { to: [neighbours(JAEGER)], ports: [tcp(OTLP_PORT)] },
    { to: hosts(network), ports: [tcp(API_SERVER_PORT)] },
  ];
  return [
    defaultDeny(TRACES_NAMESPACE, ["Ingress", "Egress"]),
    meshed(TRACES_NAMESPACE, { traces: false }),
    {
      namespace: TRACES_NAMESPACE,
      name: "jaeger",
      spec: { ...only(JAEGER), policyTypes: ["Ingress"], ingress: [fromCollector, readers] },
    },
    {
      namespace: TRACES_NAMESPACE,
      name: COLLECTOR.account,
      spec: {
        ...only(TRACE_COLLECTOR),
        policyTypes: ["Ingress", "Egress"],
        ingress: [{ from: [anyPod(network)], ports: SPANS }],
        egress,
      },
    },
  ];
}

/** What of the workloads is there, as far as policies depend on it. */
export interface Parts {
  /** Whether users reach Grafana through what stands before it. */
  grafanaHttps: boolean;
  logs: boolean;
  traces: boolean;
}

/**
 * Every policy of the workloads. `kube-system` and `kube-flannel` have none: their pods are on the hosts' network, where
 * no policy applies, except for CoreDNS, which everybody asks, and metrics-server, which asks whoever asks it who they are.
 */
export function networkPolicies(network: ClusterNetwork, parts: Parts): Policy[] {
  return [
    bookinfo(network, parts),
    traffic(parts),
    linkerd(network),
    viz(network),
    monitoring(network, parts.grafanaHttps),
    parts.logs ? logs(network) : [],
    parts.traces ? traces(network) : [],
  ].flat();
}
