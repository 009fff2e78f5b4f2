import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";

const HOURS_PER_YEAR = 8760;

/** By what a server inside the cluster is known to the API server. */
export class ServiceCertificate extends pulumi.ComponentResource {
  /** PEM; the certificate is its own authority, so that nobody else's is trusted for this name. */
  readonly certificate: pulumi.Output<string>;
  /** PEM; secret. */
  readonly privateKey: pulumi.Output<string>;

  /**
   * A certificate for a Service, valid for a year and renewed by an `up` in its last 30 days.
   * @param host `<service>.<namespace>.svc`, under which the API server asks for an API of others
   */
  constructor(name: string, host: string, opts?: pulumi.ComponentResourceOptions) {
    super("daybreak:k8s:ServiceCertificate", name, { host }, opts);
    const parent = { parent: this };
    const key = new tls.PrivateKey(name, { algorithm: "ECDSA", ecdsaCurve: "P256" }, parent);
    const certificate = new tls.SelfSignedCert(
      name,
      {
        privateKeyPem: key.privateKeyPem,
        subject: { commonName: host },
        dnsNames: [host],
        validityPeriodHours: HOURS_PER_YEAR,
        earlyRenewalHours: 30 * 24,
        allowedUses: ["digital_signature", "server_auth"],
      },
      parent,
    );
    this.certificate = certificate.certPem;
    this.privateKey = pulumi.secret(key.privateKeyPem);
    this.registerOutputs({ certificate: this.certificate });
  }
}
