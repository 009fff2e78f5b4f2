/** `tls.SelfSignedCert`: a certificate signed with its own key, as a root is. */
import { PublicKey } from "@peculiar/x509";
import type { ResourceType } from "../server/provider";
import {
  type CertificateInputs,
  certificateOutputs,
  certificateSchema,
  diffCertificate,
  issue,
  keyIdentifier,
  readCertificate,
  updateCertificate,
} from "./certificate";
import { signingKey } from "./keys";
import { type SubjectInputs, alternativeNames, distinguishedName, subjectSchema } from "./subject";

interface SelfSignedInputs extends CertificateInputs, SubjectInputs {
  privateKeyPem: string;
  setAuthorityKeyId?: boolean;
}

/** Write-only keys (`privateKeyPemWo`) are not served. */
export const selfSignedCertType: ResourceType<SelfSignedInputs> = {
  inputs: {
    ...certificateSchema,
    ...subjectSchema,
    privateKeyPem: { type: "string", required: true, replace: true, secret: true },
    setAuthorityKeyId: { type: "boolean", replace: true },
  },
  outputs: [...certificateOutputs, "keyAlgorithm"],
  diff: diffCertificate,
  async create(news) {
    const signer = await signingKey(news.privateKeyPem, "privateKeyPem");
    const publicKey = await PublicKey.create(signer.pair.publicKey);
    const name = distinguishedName(news.subject);
    const { id, state } = await issue({
      inputs: news,
      subject: name,
      issuer: name,
      publicKey,
      signer,
      alternativeNames: alternativeNames(news),
      authorityKeyId: news.setAuthorityKeyId ? keyIdentifier(publicKey) : undefined,
    });
    return { id, state: { setAuthorityKeyId: false, ...state, keyAlgorithm: signer.algorithm } };
  },
  read: readCertificate,
  update: updateCertificate,
};
