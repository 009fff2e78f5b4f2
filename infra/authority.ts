import { createHash, createPublicKey } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";

const YEAR = 365 * 24;

/** As long as kubeadm's own authority: the cluster is gone long before. */
const AUTHORITY_HOURS = 10 * YEAR;
/** As long as kubeadm's own client certificates; renewed by an up within its last month. */
const CLIENT_HOURS = YEAR;

/** kubeadm's `--discovery-token-ca-cert-hash` of an authority: SHA-256 over its public key (SubjectPublicKeyInfo, DER). */
export function caCertHash(publicKeyPem: string): string {
  const key = createPublicKey(publicKeyPem).export({ type: "spki", format: "der" });
  return `sha256:${createHash("sha256").update(key).digest("hex")}`;
}

/**
 * The cluster's certificate authority and the administrator's client certificate, ECDSA P-256, made before any machine:
 * kubeadm keeps the authority it finds, workers can be told its hash, and the kubeconfig need not be fetched from anywhere.
 */
export class Authority extends pulumi.ComponentResource {
  readonly certificate: pulumi.Output<string>;
  /** Secret. */
  readonly privateKey: pulumi.Output<string>;
  readonly certificateHash: pulumi.Output<string>;
  readonly adminCertificate: pulumi.Output<string>;
  /** Secret. */
  readonly adminPrivateKey: pulumi.Output<string>;

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
    const adminKey = this.key(`${name}-admin`);
    this.certificate = authority.certPem;
    this.privateKey = pulumi.secret(authorityKey.privateKeyPem);
    this.certificateHash = authorityKey.publicKeyPem.apply(caCertHash);
    this.adminCertificate = this.clientCertificate(`${name}-admin`, adminKey, authorityKey, authority).certPem;
    this.adminPrivateKey = pulumi.secret(adminKey.privateKeyPem);
    this.registerOutputs({ certificate: this.certificate, certificateHash: this.certificateHash });
  }

  private key(name: string): tls.PrivateKey {
    return new tls.PrivateKey(name, { algorithm: "ECDSA", ecdsaCurve: "P256" }, { parent: this });
  }

  /** `kubeadm:cluster-admins` is the group that kubeadm binds to cluster-admin; the unrevocable system:masters is not handed out. */
  private clientCertificate(name: string, key: tls.PrivateKey, caKey: tls.PrivateKey, ca: tls.SelfSignedCert) {
    const request = new tls.CertRequest(
      name,
      {
        privateKeyPem: key.privateKeyPem,
        subject: { commonName: "kubernetes-admin", organization: "kubeadm:cluster-admins" },
      },
      { parent: this },
    );
    return new tls.LocallySignedCert(
      name,
      {
        certRequestPem: request.certRequestPem,
        caPrivateKeyPem: caKey.privateKeyPem,
        caCertPem: ca.certPem,
        validityPeriodHours: CLIENT_HOURS,
        earlyRenewalHours: CLIENT_HOURS / 12,
        allowedUses: ["digital_signature", "key_encipherment", "client_auth"],
      },
      { parent: this },
    );
  }
}
