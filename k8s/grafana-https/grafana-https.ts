import { createHash, X509Certificate } from "node:crypto";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import type { GrafanaSettings } from "../../config/grafana";
import { NODE_PORTS } from "../../config/network";
import type { Values } from "../values";
import { caddyConfig } from "./caddy";
import { PageCertificate, type ServerCertificate } from "./certificate";
import { GATEWAY_NAMES, gatewayContainers, gatewayValues } from "./gateway";

export interface GrafanaHttpsArgs {
  namespace: pulumi.Input<string>;
  /** With `https` cluster or own. */
  settings: GrafanaSettings;
  /** The nodes', the control plane's first. */
  publicAddresses: readonly string[];
}

/** Grafana in the same pod. */
const GRAFANA = "127.0.0.1:3000";

/**
 * HTTPS for Grafana at its node port, with a certificate of this stack's own authority or with the user's: Caddy ends TLS
 * in Grafana's pod, and sends plain HTTP of the same port on to HTTPS. Grafana's own `protocol = https` answers that with
 * an error, and one port is all that the security group opens.
 */
export class GrafanaHttps extends pulumi.ComponentResource {
  readonly url: string;
  /** What a browser has to trust, PEM; undefined with the user's own certificate. */
  readonly authority: pulumi.Output<string> | undefined;
  /** Below `grafana` in the values of the release `prometheus`, which waits for this component. */
  readonly values: Values;

  constructor(name: string, args: GrafanaHttpsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("daybreak:k8s:GrafanaHttps", name, {}, opts);
    const { namespace, settings, publicAddresses } = args;
    const isOwn = settings.https === "own";
    const issued = isOwn ? undefined : new PageCertificate("pages", publicAddresses, { parent: this });
    const { certificate, privateKey }: ServerCertificate = issued ?? ownCertificate(settings);
    this.authority = issued?.authority;
    const certified = nameIn(settings);
    this.url = `https://${certified ?? publicAddresses[0] ?? ""}:${NODE_PORTS.grafana}`;

    const config = JSON.stringify(caddyConfig(GRAFANA));
    new k8s.core.v1.ConfigMap(
      GATEWAY_NAMES.config,
      {
        metadata: { name: GATEWAY_NAMES.config, namespace },
        // For whoever checks the page from a kubeconfig: of a certificate of the user's own, that itself is to be trusted.
        data: {
          "caddy.json": config,
          "ca.crt": this.authority ?? certificate,
          ...(certified && { name: certified }),
        },
      },
      { parent: this },
    );
    new k8s.core.v1.Secret(
      GATEWAY_NAMES.certificate,
      {
        metadata: { name: GATEWAY_NAMES.certificate, namespace },
        type: "kubernetes.io/tls",
        stringData: { "tls.crt": certificate, "tls.key": privateKey },
      },
      { parent: this },
    );
    const content = certificate.apply((pem) => createHash("sha256").update(`${pem}\n${config}`).digest("hex"));
    this.values = gatewayValues(content.apply(gatewayContainers));
    this.registerOutputs({ url: this.url });
  }
}

function ownCertificate({ certificate = "", privateKey = "" }: GrafanaSettings): ServerCertificate {
  return { certificate: pulumi.output(certificate), privateKey: pulumi.secret(privateKey) };
}

/** The first name that the user's certificate is for, which is what a browser has to be given. */
function nameIn({ https, certificate }: GrafanaSettings): string | undefined {
  if (https !== "own" || !certificate) return undefined;
  return /DNS:([^,*\s]+)/.exec(new X509Certificate(certificate).subjectAltName ?? "")?.[1];
}
