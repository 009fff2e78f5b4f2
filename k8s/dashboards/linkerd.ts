import { type Dashboard, figure, graph, query } from "./dashboard";
import { failures, inbound, latency, rate, requests } from "./promql";

const MESH = inbound("");
const ENCRYPTED = inbound('tls="true"');
const BY_NAMESPACE = ["namespace"];

/** The name in the edge line and the one of 2.14. */
const CERTIFICATE_END = '{__name__=~"(control_)?identity_cert_expiration_timestamp_seconds"}';

/** The proxies of 2.14 and of the edge line count them; the lab's stand-in may not. */
const NOT_COUNTED =
  "Counted by Linkerd's own proxies from the first request on that a policy decides; the lab's stand-in does not count.";

const NOW = {
  title: "Now",
  panels: [
    figure("Success rate", "percentunit", 4, `1 - (${failures(MESH)})`, { limit: { value: 0.999, bad: "below" } }),
    figure("Requests", "reqps", 4, requests(MESH)),
    figure("99 % take", "ms", 4, latency(0.99, MESH)),
    figure("mTLS", "percentunit", 4, `${requests(ENCRYPTED)} / ${requests(MESH)}`, {
      description: "Share of the requests that come in encrypted. Probes, scrapes and visitors from outside do not.",
    }),
    figure("Proxies", "short", 4, 'count(up{job=~"(.+/)?linkerd-proxy"} == 1)'),
    figure("Issuer ends in", "dtdurations", 4, "min(issuer_cert_ttl_seconds)", {
      mayBeEmpty: "Only Linkerd's edge line tells it; 2.14 does not.",
      limit: { value: 21 * 86400, bad: "below" },
    }),
  ],
} as const;

const TRAFFIC = {
  title: "Traffic by namespace",
  panels: [
    graph("Success rate", "percentunit", 8, [query(`1 - (${failures(MESH, BY_NAMESPACE)})`, "{{namespace}}")]),
    graph("95 % take", "ms", 8, [query(latency(0.95, MESH, BY_NAMESPACE), "{{namespace}}")]),
    graph("mTLS", "percentunit", 8, [
      query(`${requests(ENCRYPTED, BY_NAMESPACE)} / ${requests(MESH, BY_NAMESPACE)}`, "{{namespace}}"),
    ]),
    graph("Open connections", "short", 8, [
      query('sum by (namespace, direction) (tcp_open_connections{peer="src"})', "{{namespace}} {{direction}}"),
    ]),
    graph("Bytes read and written", "Bps", 8, [
      query(rate("tcp_read_bytes_total", 'peer="src"', BY_NAMESPACE), "{{namespace}} read"),
      query(rate("tcp_write_bytes_total", 'peer="src"', BY_NAMESPACE), "{{namespace}} written"),
    ]),
    graph("Requests that policies refuse", "reqps", 8, [
      query(
        rate("inbound_http_authz_deny_total", "", ["namespace", "deployment"]),
        "{{namespace}}/{{deployment}}",
        NOT_COUNTED,
      ),
    ]),
  ],
} as const;

const CONTROL_PLANE = {
  title: "Control plane and proxies",
  panels: [
    graph(
      "Pods that are ready",
      "short",
      8,
      [query('kube_deployment_status_replicas_available{namespace=~"linkerd(-viz)?"}', "{{deployment}}")],
      { limit: { value: 1, bad: "below" } },
    ),
    graph(
      "Shortest certificate of a proxy lasts",
      "s",
      8,
      [query(`min by (namespace) (${CERTIFICATE_END}) - time()`, "{{namespace}}")],
      { description: "24 h after each renewal, which comes when 7 h are left." },
    ),
    graph("99 % of the control plane's answers take", "ms", 8, [
      query(latency(0.99, inbound('namespace="linkerd"'), ["deployment"]), "{{deployment}}"),
    ]),
    graph("CPU of the control plane, in cores", "short", 8, [
      query(
        rate("container_cpu_usage_seconds_total", 'namespace="linkerd",image!="",container!=""', ["container"]),
        "{{container}}",
      ),
    ]),
    graph("Memory of the control plane", "bytes", 8, [
      query(
        'sum by (container) (container_memory_working_set_bytes{namespace="linkerd",image!="",container!=""})',
        "{{container}}",
      ),
    ]),
    graph(
      "Memory of the largest proxies",
      "bytes",
      8,
      [
        query(
          'topk(5, max by (namespace, pod) (container_memory_working_set_bytes{container="linkerd-proxy"}))',
          "{{namespace}}/{{pod}}",
        ),
      ],
      { limit: { value: 128 * 2 ** 20, bad: "above" } },
    ),
  ],
} as const;

export const LINKERD: Dashboard = {
  uid: "daybreak-linkerd",
  title: "Linkerd",
  purpose: "Does the mesh carry its traffic, encrypted, and how are its control plane and its certificates?",
  rows: [NOW, TRAFFIC, CONTROL_PLANE],
};
