import type { RuleGroup } from "./rule";

/** Namespaces whose pods all have a proxy; a Job's may go without. */
export const MESHED_NAMESPACES = ["bookinfo", "traffic", "linkerd", "linkerd-viz"];

const MESHED = `namespace=~"${MESHED_NAMESPACES.join("|")}"`;
const OF_THE_POD = "on (namespace, pod)";

/** A proxy is a native sidecar, hence an init container, in the edge line, and an ordinary container in 2.14. */
const HAS_PROXY =
  '(kube_pod_init_container_info{container="linkerd-proxy"} or kube_pod_container_info{container="linkerd-proxy"})';

/** The name in the edge line and the one of 2.14. */
const PROXY_CERTIFICATE_END = '{__name__=~"(control_)?identity_cert_expiration_timestamp_seconds"}';

/** The mesh's own ways to die: a pod outside of it, a control plane that is gone, certificates that end. */
export const MESH: RuleGroup = {
  name: "mesh",
  rules: [
    {
      alert: "MeshProxyMissing",
      expr:
        `kube_pod_status_phase{${MESHED},phase="Running"} == 1 unless ${OF_THE_POD} ${HAS_PROXY} ` +
        `unless ${OF_THE_POD} kube_pod_owner{owner_kind="Job"}`,
      for: "1m",
      labels: { severity: "critical" },
      annotations: {
        summary: "{{ $labels.namespace }}/{{ $labels.pod }} runs without a proxy.",
        description:
          "Its traffic is not encrypted, and no rule of the mesh holds for it: the injector was out of reach when it started. Delete the pod.",
      },
    },
    {
      alert: "MeshControlPlaneDown",
      expr: 'kube_deployment_status_replicas_available{namespace="linkerd"} == 0',
      for: "1m",
      labels: { severity: "critical" },
      annotations: {
        summary: "{{ $labels.deployment }} has no pod that is ready.",
        description:
          "Proxies go on with what they know; new pods get no proxy, no identity or no addresses. See npm run check.",
      },
    },
    {
      // The issuer lasts a year, and an `up` in its last 30 days renews it.
      alert: "MeshIssuerExpiring",
      expr: "issuer_cert_ttl_seconds < 21 * 86400",
      labels: { severity: "warning" },
      annotations: {
        summary: "The mesh's issuer certificate ends in {{ $value | humanizeDuration }}.",
        description: "After that no proxy gets a certificate. pulumi up on the workloads stack renews it.",
      },
    },
    {
      alert: "MeshIssuerExpiring",
      expr: "issuer_cert_ttl_seconds < 2 * 86400",
      labels: { severity: "critical" },
      annotations: {
        summary: "The mesh's issuer certificate ends in {{ $value | humanizeDuration }}.",
        description: "After that no proxy gets a certificate. Run pulumi up on the workloads stack now.",
      },
    },
    {
      // A proxy's certificate lasts 24 h and is renewed when 30 % of that are left, that is 7.2 h before its end.
      alert: "MeshIdentityExpiring",
      expr: `${PROXY_CERTIFICATE_END} - time() < 4 * 3600`,
      for: "5m",
      labels: { severity: "critical" },
      annotations: {
        summary:
          "The certificate of {{ $labels.namespace }}/{{ $labels.pod }} ends in {{ $value | humanizeDuration }}.",
        description: "It should have been renewed hours ago: linkerd-identity refuses or is out of reach. See its log.",
      },
    },
  ],
};
