import { createHash, createPublicKey } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";

const YEAR = 365 * 24;

/** As long as kubeadm's own authority: the cluster is gone long before. */
const AUTHORITY_HOURS = 10 * YEAR;
/** As long as kubeadm's own client certificates; renewed by an `up` within its last month. */
const ADMIN_HOURS = YEAR;
/** An `up` within the last ten days renews it. */
const VIEWER_HOURS = 30 * 24;

/** Somebody whom the API server knows by a certificate. */
export interface Client {
  /** PEM. */
  readonly certificate: pulumi.Output<string>;
  /** PEM; secret. */
  readonly privateKey: pulumi.Output<string>;
}

interface Issuer {
  readonly key: tls.PrivateKey;
  readonly certificate: tls.SelfSignedCert;
}

interface Term {
  readonly hours: number;
  /** An `up` this long before the end renews. */
  readonly renewalHours: number;
}

/** kubeadm's `--discovery-token-ca-cert-hash` of an authority: SHA-256 over its public key (SubjectPublicKeyInfo, DER). */
export function caCertHash(publicKeyPem: string): string {
  const key = createPublicKey(publicKeyPem).export({ type: "spki", format: "der" });
  return `sha256:${createHash("sha256").update(key).digest("hex")}`;
}

/**
 * The name of the viewer who holds this key: `daybreak-viewer-` and 12 digits of the public key's SHA-256.
 *
 * A certificate cannot be called back, but the rights are bound to the name: with a new key there is a new name, and
 * whoever still holds the old certificate is nobody.
 */
export function viewerName(publicKeyPem: string): string {
  return `daybreak-viewer-${caCertHash(publicKeyPem).replace("sha256:", "").slice(0, 12)}`;
}

/**
 * The cluster's certificate authority and the client certificates of the administrator (1 year) and of the viewer
 * (30 days), ECDSA P-256, made before any machine: kubeadm keeps the authority it finds, workers can be told its hash,
 * and the kubeconfigs need not be fetched from anywhere.
 */
export class Authority extends pulumi.ComponentResource {
  readonly certificate: pulumi.Output<string>;
  /** Secret. */
  readonly privateKey: pulumi.Output<string>;
  readonly certificateHash: pulumi.Output<string>;
  readonly admin: Client;
  /** May do nothing until the workloads' program binds {@link viewerUser} to a role. */
  readonly viewer: Client;
  readonly viewerUser: pulumi.Output<string>;

  constructor(name: string, args: Record<string, never> = {}, opts?: pulumi.ComponentResourceOptions) {
    super("daybreak:infra:Authority", name, args, opts);
    const authorityKey = this.key(`${name}-ca`);
    const authority = new tls.SelfSignedCert(
      `${name}-ca`,
      {
        privateKeyPem: authorityKey.privateKeyPem,
        subject: { commonName: "kubernetes" },
        isCaCertificate: true,
        validityPeriodHours: AUTHORITY_HOURS,
        allowedUses: ["digital_signature", "key_encipherment", "cert_signing"],
      },
      { parent: this },
    );
    const issuer = { key: authorityKey, certificate: authority };
    const adminKey = this.key(`${name}-admin`);
    const viewerKey = this.key(`${name}-viewer`);
    this.certificate = authority.certPem;
    this.privateKey = pulumi.secret(authorityKey.privateKeyPem);
    this.certificateHash = authorityKey.publicKeyPem.apply(caCertHash);
    this.viewerUser = viewerKey.publicKeyPem.apply(viewerName);
    // `kubeadm:cluster-admins` is the group that kubeadm binds to cluster-admin; the unrevocable system:masters is not handed out.
    const adminSubject = { commonName: "kubernetes-admin", organization: "kubeadm:cluster-admins" };
    const adminTerm = { hours: ADMIN_HOURS, renewalHours: ADMIN_HOURS / 12 };
    this.admin = this.client(`${name}-admin`, adminKey, adminSubject, issuer, adminTerm);
    const viewerTerm = { hours: VIEWER_HOURS, renewalHours: VIEWER_HOURS / 3 };
    this.viewer = this.client(`${name}-viewer`, viewerKey, { commonName: this.viewerUser }, issuer, viewerTerm);
    this.registerOutputs({ certificate: this.certificate, certificateHash: this.certificateHash });
  }

  private key(name: string): tls.PrivateKey {
    return new tls.PrivateKey(name, { algorithm: "ECDSA", ecdsaCurve: "P256" }, { parent: this });
  }

  private client(
    name: string,
    key: tls.PrivateKey,
    subject: tls.types.input.CertRequestSubject,
    issuer: Issuer,
    term: Term,
  ): Client {
    const request = new tls.CertRequest(name, { privateKeyPem: key.privateKeyPem, subject }, { parent: this });
    const { certPem } = new tls.LocallySignedCert(
      name,
      {
        certRequestPem: request.certRequestPem,
        caPrivateKeyPem: issuer.key.privateKeyPem,
        caCertPem: issuer.certificate.certPem,
        validityPeriodHours: term.hours,
        earlyRenewalHours: term.renewalHours,
        allowedUses: ["digital_signature", "key_encipherment", "client_auth"],
      },
      { parent: this },
    );
    return { certificate: certPem, privateKey: pulumi.secret(key.privateKeyPem) };
  }
}
