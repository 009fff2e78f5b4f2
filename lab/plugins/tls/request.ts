/** `tls.CertRequest`: asks for a certificate (PKCS#10). */
import { createHash } from "node:crypto";
import { Pkcs10CertificateRequestGenerator } from "@peculiar/x509";
import type { ResourceType } from "../server/provider";
import { signingKey } from "./keys";
import { type SubjectInputs, alternativeNames, distinguishedName, subjectSchema } from "./subject";

interface RequestInputs extends SubjectInputs {
  privateKeyPem: string;
}

/** Write-only keys (`privateKeyPemWo`) are not served. */
export const certRequestType: ResourceType<RequestInputs> = {
  inputs: { ...subjectSchema, privateKeyPem: { type: "string", required: true, replace: true, secret: true } },
  outputs: ["certRequestPem", "keyAlgorithm"],
  async create(news) {
    const signer = await signingKey(news.privateKeyPem, "privateKeyPem");
    const request = await Pkcs10CertificateRequestGenerator.create({
      name: distinguishedName(news.subject),
      keys: signer.pair,
      signingAlgorithm: signer.signing,
      extensions: alternativeNames(news),
    });
    const certRequestPem = `${request.toString("pem").trimEnd()}\n`;
    const id = createHash("sha1").update(Buffer.from(request.rawData)).digest("hex");
    return { id, state: { ...news, certRequestPem, keyAlgorithm: signer.algorithm } };
  },
};
