import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";

import { CERTIFICATE_KEY, SERVER_USES, YEARLY } from "../certificate";

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
    const key = new tls.PrivateKey(name, CERTIFICATE_KEY, parent);
    const certificate = new tls.SelfSignedCert(
      name,
      {
        privateKeyPem: key.privateKeyPem,
        subject: { commonName: host },
        dnsNames: [host],
        ...YEARLY,
        allowedUses: SERVER_USES,
      },
      parent,
    );
    this.certificate = certificate.certPem;
    this.privateKey = pulumi.secret(key.privateKeyPem);
    this.registerOutputs({ certificate: this.certificate });
  }
}
