import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { createHash } from "node:crypto";

import { CERTIFICATE_KEY, HOURS_PER_YEAR, YEARLY } from "../certificate";
import type { Identity } from "./values";

/** What a certificate authority does. */
const AUTHORITY_USES = ["cert_signing", "crl_signing"];

interface Anchor {
  key: tls.PrivateKey;
  certificate: tls.SelfSignedCert;
}

/** Which certificates there are; the configuration's `meshTrust`. */
export interface Trust {
  /** Generations of the anchors that proxies trust. */
  anchors: readonly number[];
  /** The one that signs the issuer; the first if undefined. */
  signer?: number | undefined;
  /** Generation of the issuer's key. */
  issuer: number;
}

/** Names of the first generation have no number: they are older than the others. */
const named = (name: string, generation: number): string => (generation === 1 ? name : `${name}-${generation}`);

/**
 * The mesh's trust anchors (10 years each) and the issuer that one of them signs (1 year; renewed by an `up` in its last
 * 30 days).
 *
 * The issuer may sign workloads' certificates but no further authority (path length 0). The anchors' keys stay in
 * Pulumi's encrypted state and never reach the cluster.
 */
export class MeshIdentity extends pulumi.ComponentResource implements Identity<pulumi.Output<string>> {
  /** Certificates of all anchors, one after the other. */
  readonly trustAnchor: pulumi.Output<string>;
  readonly issuerCertificate: pulumi.Output<string>;
  /** Secret. */
  readonly issuerKey: pulumi.Output<string>;
  /**
   * Changes when meshed pods have to be made anew: they learn the anchors when they start, and an anchor may go only when no
   * certificate is left that hangs on it. A renewed issuer of the same anchor changes nothing.
   */
  readonly generation: pulumi.Output<string>;

  constructor(name: string, trust: Trust, opts?: pulumi.ComponentResourceOptions) {
    super("daybreak:k8s:MeshIdentity", name, { trust }, opts);
    const anchors = new Map(
      trust.anchors.map((generation) => [generation, this.anchor(named(`${name}-anchor`, generation))]),
    );
    const signer = trust.signer ?? trust.anchors[0] ?? 1;
    const signing = anchors.get(signer);
    if (!signing)
      throw new RangeError(`anchor ${signer} is to sign the mesh's issuer and is none of ${trust.anchors.join(", ")}`);
    const { certificate, key } = this.issuer(named(`${name}-issuer`, trust.issuer), signing);

    this.trustAnchor = pulumi.concat(...[...anchors.values()].map(({ certificate: { certPem } }) => certPem));
    this.issuerCertificate = certificate;
    this.issuerKey = pulumi.secret(key);
    this.generation = this.trustAnchor.apply((bundle) =>
      createHash("sha256").update(`${bundle}${signer}/${trust.issuer}`).digest("hex").slice(0, 16),
    );
    this.registerOutputs({
      trustAnchor: this.trustAnchor,
      issuerCertificate: this.issuerCertificate,
      issuerKey: this.issuerKey,
    });
  }

  private anchor(name: string): Anchor {
    const options = { parent: this };
    const key = new tls.PrivateKey(name, CERTIFICATE_KEY, options);
    const certificate = new tls.SelfSignedCert(
      name,
      {
        privateKeyPem: key.privateKeyPem,
        subject: { commonName: "root.linkerd.cluster.local" },
        isCaCertificate: true,
        setSubjectKeyId: true,
        validityPeriodHours: 10 * HOURS_PER_YEAR,
        allowedUses: AUTHORITY_USES,
      },
      options,
    );
    return { key, certificate };
  }

  private issuer(name: string, anchor: Anchor) {
    const options = { parent: this };
    const { privateKeyPem } = new tls.PrivateKey(name, CERTIFICATE_KEY, options);
    const subject = { commonName: "identity.linkerd.cluster.local" };
    const { certRequestPem } = new tls.CertRequest(name, { privateKeyPem, subject }, options);
    const { certPem } = new tls.LocallySignedCert(
      name,
      {
        certRequestPem,
        caCertPem: anchor.certificate.certPem,
        caPrivateKeyPem: anchor.key.privateKeyPem,
        isCaCertificate: true,
        maxPathLength: 0,
        setSubjectKeyId: true,
        ...YEARLY,
        allowedUses: AUTHORITY_USES,
      },
      options,
    );
    return { certificate: certPem, key: privateKeyPem };
  }
}
