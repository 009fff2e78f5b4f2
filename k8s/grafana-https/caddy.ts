/** The gateway's port in its pod. */
export const GATEWAY_PORT = 8443;
/** Where its certificate is, a Secret of type kubernetes.io/tls. */
export const CERTIFICATE_FOLDER = "/tls";

const ONLY_ONE = "page";

/**
 * Caddy's configuration: one port that ends TLS and passes on, and answers whoever speaks plain HTTP there with the way to
 * the same address over HTTPS. It is not to fetch certificates, nor to take orders.
 */
export function caddyConfig(upstream: string) {
  return {
    admin: { disabled: true, config: { persist: false } },
    apps: {
      tls: {
        certificates: {
          load_files: [
            { certificate: `${CERTIFICATE_FOLDER}/tls.crt`, key: `${CERTIFICATE_FOLDER}/tls.key`, tags: [ONLY_ONE] },
          ],
        },
      },
      http: {
        servers: {
          grafana: {
            listen: [`:${GATEWAY_PORT}`],
            protocols: ["h1", "h2"],
            // In this order: the first looks at what comes before the second takes it for TLS.
            listener_wrappers: [{ wrapper: "http_redirect" }, { wrapper: "tls" }],
            // Whatever name it is asked by: with an address there is none, and the pod's own is in no certificate.
            tls_connection_policies: [{ certificate_selection: { any_tag: [ONLY_ONE] } }],
            automatic_https: { disable: true },
            routes: [{ handle: [{ handler: "reverse_proxy", upstreams: [{ dial: upstream }] }] }],
          },
        },
      },
    },
  };
}
