/** `tls.PrivateKey`: a key in every notation that the upstream provider gives. */
import { type KeyObject, createHash, generateKeyPairSync } from "node:crypto";
import type { ResourceType } from "../server/provider";
import { opensshPrivateKey, opensshPublicKey } from "./openssh";

interface PrivateKeyInputs {
  algorithm: "RSA" | "ECDSA" | "ED25519";
  ecdsaCurve?: keyof typeof CURVES;
  rsaBits?: number;
}

const CURVES = { P224: "secp224r1", P256: "prime256v1", P384: "secp384r1", P521: "secp521r1" } as const;

/** Secret: privateKeyPem, privateKeyPemPkcs8, privateKeyOpenssh. The id is the SHA-1 of the public key. */
export const privateKeyType: ResourceType<PrivateKeyInputs> = {
  inputs: {
    algorithm: { type: "string", oneOf: ["RSA", "ECDSA", "ED25519"], required: true, replace: true },
    ecdsaCurve: { type: "string", oneOf: Object.keys(CURVES), replace: true },
    // Below 1024 bits OpenSSL refuses; above 16384 a key takes minutes.
    rsaBits: { type: "integer", min: 1024, max: 16384, replace: true },
  },
  outputs: [
    "privateKeyPem",
    "privateKeyPemPkcs8",
    "privateKeyOpenssh",
    "publicKeyPem",
    "publicKeyOpenssh",
    "publicKeyFingerprintMd5",
    "publicKeyFingerprintSha256",
  ],
  secretOutputs: ["privateKeyPem", "privateKeyPemPkcs8", "privateKeyOpenssh"],
  async create(news) {
    const { privateKey, publicKey } = generate(news);
    const der = publicKey.export({ type: "spki", format: "der" });
    const state = {
      algorithm: news.algorithm,
      ecdsaCurve: news.ecdsaCurve ?? "P224",
      rsaBits: news.rsaBits ?? 2048,
      ...notations(privateKey, publicKey),
    };
    return { id: createHash("sha1").update(der).digest("hex"), state };
  },
};

function generate(news: PrivateKeyInputs): { privateKey: KeyObject; publicKey: KeyObject } {
  switch (news.algorithm) {
    case "RSA":
      return generateKeyPairSync("rsa", { modulusLength: news.rsaBits ?? 2048 });
    case "ECDSA":
      return generateKeyPairSync("ec", { namedCurve: CURVES[news.ecdsaCurve ?? "P224"] });
    case "ED25519":
      return generateKeyPairSync("ed25519");
  }
}

function notations(privateKey: KeyObject, publicKey: KeyObject): Record<string, string> {
  const openssh = opensshPublicKey(publicKey);
  const md5 = openssh && createHash("md5").update(openssh.blob).digest("hex");
  const sha256 = openssh && createHash("sha256").update(openssh.blob).digest("base64").replace(/=+$/, "");
  return {
    privateKeyPem: traditionalPem(privateKey),
    privateKeyPemPkcs8: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    privateKeyOpenssh: opensshPrivateKey(privateKey, publicKey) ?? "",
    publicKeyPem: publicKey.export({ type: "spki", format: "pem" }).toString(),
    publicKeyOpenssh: openssh ? `${openssh.type} ${openssh.blob.toString("base64")}\n` : "",
    publicKeyFingerprintMd5: md5?.replace(/(..)(?=.)/g, "$1:") ?? "",
    publicKeyFingerprintSha256: sha256 ? `SHA256:${sha256}` : "",
  };
}

/** PKCS#1 for RSA, SEC 1 for ECDSA; Ed25519 has no form but PKCS#8. */
function traditionalPem(key: KeyObject): string {
  const type = ({ rsa: "pkcs1", ec: "sec1" } as const)[key.asymmetricKeyType as "rsa" | "ec"] ?? "pkcs8";
  return key.export({ type, format: "pem" }).toString();
}
