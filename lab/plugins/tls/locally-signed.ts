/** `tls.LocallySignedCert`: a certificate for a request, signed by an authority whose key is at hand. */
import {
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
} from "@peculiar/x509";
import type { ResourceType } from "../server/provider";
import {
  type CertificateInputs,
  certificateOutputs,
  certificateSchema,
  diffCertificate,
  issue,
  readCertificate,
  updateCertificate,
} from "./certificate";
import { type SigningKey, signingKey } from "./keys";

interface LocallySignedInputs extends CertificateInputs {
  certRequestPem: string;
  caCertPem: string;
  caPrivateKeyPem: string;
}

/** Write-only keys (`caPrivateKeyPemWo`) are not served. */
export const locallySignedCertType: ResourceType<LocallySignedInputs> = {
  inputs: {
    ...certificateSchema,
    certRequestPem: { type: "string", required: true, replace: true },
    caCertPem: { type: "string", required: true, replace: true },
    caPrivateKeyPem: { type: "string", required: true, replace: true, secret: true },
  },
  outputs: [...certificateOutputs, "caKeyAlgorithm"],
  diff: diffCertificate,
  async create(news) {
    const signer = await signingKey(news.caPrivateKeyPem, "caPrivateKeyPem");
    const request = await readRequest(news.certRequestPem);
    const authority = readAuthority(news.caCertPem, signer);
    const names = request.extensions.filter((extension) => extension instanceof SubjectAlternativeNameExtension);
    const { id, state } = await issue({
      inputs: news,
      subject: request.subjectName,
      issuer: authority.subjectName,
      publicKey: request.publicKey,
      signer,
      alternativeNames: names,
      authorityKeyId: authority.getExtension(SubjectKeyIdentifierExtension)?.keyId,
    });
    return { id, state: { ...state, caKeyAlgorithm: signer.algorithm } };
  },
  read: readCertificate,
  update: updateCertificate,
};

async function readRequest(pem: string): Promise<Pkcs10CertificateRequest> {
  const request = parse(() => new Pkcs10CertificateRequest(pem), "certRequestPem holds no certificate request");
  if (!(await request.verify())) throw new Error("certRequestPem is not signed with the key that it names");
  return request;
}

function readAuthority(pem: string, signer: SigningKey): X509Certificate {
  const authority = parse(() => new X509Certificate(pem), "caCertPem holds no certificate");
  if (!signer.publicDer.equals(Buffer.from(authority.publicKey.rawData)))
    throw new Error("caPrivateKeyPem is not the key of caCertPem");
  return authority;
}

function parse<T>(read: () => T, message: string): T {
  try {
    return read();
  } catch {
    throw new Error(`${message} in PEM format`);
  }
}
