import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";

import type { Identity } from "./values";

const HOURS_PER_YEAR = 8760;

/** The mesh accepts ECDSA P-256 only, for the anchor as for the issuer. */
const KEY = { algorithm: "ECDSA", ecdsaCurve: "P256" };

/** What a certificate authority does. */
const AUTHORITY_USES = ["cert_signing", "crl_signing"];

/**
 * The mesh's trust anchor (10 years) and the issuer that it signs (1 year; renewed by an `up` in its last 30 days).
 *
 * The issuer may sign workloads' certificates but no further authority (path length 0). The anchor's key stays in
 * Pulumi's encrypted state and never reaches the cluster.
 */
export class MeshIdentity extends pulumi.ComponentResource implements Identity<pulumi.Output<string>> {
  readonly trustAnchor: pulumi.Output<string>;
  readonly issuerCertificate: pulumi.Output<string>;
  /** Secret. */
  readonly issuerKey: pulumi.Output<string>;

  constructor(name: string, opts?: pulumi.ComponentResourceOptions) {
    super("daybreak:k8s:MeshIdentity", name, {}, opts);
    const options = { parent: this };

    const anchorKey = new tls.PrivateKey(`${name}-anchor`, KEY, options);
    const anchor = new tls.SelfSignedCert(
      `${name}-anchor`,
      {
        privateKeyPem: anchorKey.privateKeyPem,
        subject: { commonName: "root.linkerd.cluster.local" },
        isCaCertificate: true,
        setSubjectKeyId: true,
        validityPeriodHours: 10 * HOURS_PER_YEAR,
        allowedUses: AUTHORITY_USES,
      },
      options,
    );

    const issuerKey = new tls.PrivateKey(`${name}-issuer`, KEY, options);
    const request = new tls.CertRequest(
      `${name}-issuer`,
      { privateKeyPem: issuerKey.privateKeyPem, subject: { commonName: "identity.linkerd.cluster.local" } },
      options,
    );
    const issuer = new tls.LocallySignedCert(
      `${name}-issuer`,
      {
        certRequestPem: request.certRequestPem,
        caCertPem: anchor.certPem,
        caPrivateKeyPem: anchorKey.privateKeyPem,
        isCaCertificate: true,
        maxPathLength: 0,
        setSubjectKeyId: true,
        validityPeriodHours: HOURS_PER_YEAR,
        earlyRenewalHours: 30 * 24,
        allowedUses: AUTHORITY_USES,
      },
      options,
    );

    this.trustAnchor = anchor.certPem;
    this.issuerCertificate = issuer.certPem;
    this.issuerKey = pulumi.secret(issuerKey.privateKeyPem);
    this.registerOutputs({
      trustAnchor: this.trustAnchor,
      issuerCertificate: this.issuerCertificate,
      issuerKey: this.issuerKey,
    });
  }
}
