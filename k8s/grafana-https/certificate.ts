import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";

import { CERTIFICATE_KEY, HOURS_PER_YEAR, SERVER_USES, YEARLY } from "../certificate";

/** What a browser is shown: PEM texts. */
export interface ServerCertificate {
  certificate: pulumi.Output<string>;
  /** Secret. */
  privateKey: pulumi.Output<string>;
}

/**
 * An authority for this cluster's own pages (10 years) and the certificate that it signs for Grafana's addresses (1 year;
 * renewed by an `up` in its last 30 days). The authority's key stays in Pulumi's encrypted state.
 *
 * An authority of its own: whoever trusts it in a browser trusts neither the cluster's API nor the mesh by that.
 */
export class PageCertificate extends pulumi.ComponentResource implements ServerCertificate {
  readonly certificate: pulumi.Output<string>;
  readonly privateKey: pulumi.Output<string>;
  /** What a browser has to know, PEM. */
  readonly authority: pulumi.Output<string>;

  /** @param addresses the nodes' public addresses; this machine's own are always in, for who comes through a tunnel */
  constructor(name: string, addresses: readonly string[], opts?: pulumi.ComponentResourceOptions) {
    super("daybreak:k8s:PageCertificate", name, { addresses }, opts);
    const parent = { parent: this };
    const authorityKey = new tls.PrivateKey(`${name}-authority`, CERTIFICATE_KEY, parent);
    const authority = new tls.SelfSignedCert(
      `${name}-authority`,
      {
        privateKeyPem: authorityKey.privateKeyPem,
        subject: { commonName: `${pulumi.getProject()} ${pulumi.getStack()} pages` },
        isCaCertificate: true,
        setSubjectKeyId: true,
        validityPeriodHours: 10 * HOURS_PER_YEAR,
        allowedUses: ["cert_signing", "crl_signing"],
      },
      parent,
    );
    const key = new tls.PrivateKey(`${name}-server`, CERTIFICATE_KEY, parent);
    const request = new tls.CertRequest(
      `${name}-server`,
      {
        privateKeyPem: key.privateKeyPem,
        subject: { commonName: "Grafana" },
        dnsNames: ["localhost"],
        ipAddresses: [...addresses, "127.0.0.1"],
      },
      parent,
    );
    const server = new tls.LocallySignedCert(
      `${name}-server`,
      {
        certRequestPem: request.certRequestPem,
        caCertPem: authority.certPem,
        caPrivateKeyPem: authorityKey.privateKeyPem,
        ...YEARLY,
        allowedUses: SERVER_USES,
      },
      parent,
    );
    this.certificate = server.certPem;
    this.privateKey = pulumi.secret(key.privateKeyPem);
    this.authority = authority.certPem;
    this.registerOutputs({ authority: this.authority });
  }
}
