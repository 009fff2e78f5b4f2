/** The lab's plugin for `@pulumi/tls`: PrivateKey, SelfSignedCert, CertRequest, LocallySignedCert. */
// First: @peculiar/x509 needs it when it is loaded.
import "reflect-metadata";
import { version } from "@pulumi/tls/package.json";
import { serve } from "../server/serve";
import { locallySignedCertType } from "./locally-signed";
import { privateKeyType } from "./private-key";
import { certRequestType } from "./request";
import { selfSignedCertType } from "./self-signed";

serve({
  name: "tls",
  version,
  configuration: {},
  resources: {
    "tls:index/privateKey:PrivateKey": privateKeyType,
    "tls:index/selfSignedCert:SelfSignedCert": selfSignedCertType,
    "tls:index/certRequest:CertRequest": certRequestType,
    "tls:index/locallySignedCert:LocallySignedCert": locallySignedCertType,
  },
});
