/** Reads a PEM private key for signing. */
import { type KeyObject, createPrivateKey, createPublicKey, webcrypto } from "node:crypto";
import { cryptoProvider } from "@peculiar/x509";

cryptoProvider.set(webcrypto);

/** Parameters for both the import of the key and the signature. */
interface SigningAlgorithm {
  name: string;
  namedCurve?: string;
  hash?: string;
}

/** A key that certificates are signed with. */
export interface SigningKey {
  /** As upstream names it: RSA, ECDSA or ED25519. */
  algorithm: string;
  pair: webcrypto.CryptoKeyPair;
  /** SubjectPublicKeyInfo of the public half. */
  publicDer: Buffer;
  /** What the signature is made with. */
  signing: SigningAlgorithm;
}

const CURVES: Record<string, { namedCurve: string; hash: string }> = {
  prime256v1: { namedCurve: "P-256", hash: "SHA-256" },
  secp384r1: { namedCurve: "P-384", hash: "SHA-384" },
  secp521r1: { namedCurve: "P-521", hash: "SHA-512" },
};

/** Reads PKCS#1, SEC 1 or PKCS#8; `property` names the input in errors. */
export async function signingKey(pem: string, property: string): Promise<SigningKey> {
  const key = read(pem, property);
  const { algorithm, signing } = kind(key, property);
  const publicDer = createPublicKey(key).export({ type: "spki", format: "der" });
  const privateDer = key.export({ type: "pkcs8", format: "der" });
  const pair = {
    privateKey: await webcrypto.subtle.importKey("pkcs8", privateDer, signing, true, ["sign"]),
    publicKey: await webcrypto.subtle.importKey("spki", publicDer, signing, true, ["verify"]),
  };
  return { algorithm, pair, publicDer, signing };
}

function read(pem: string, property: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new Error(`${property} holds no private key in PEM format`);
  }
}

function kind(key: KeyObject, property: string): { algorithm: string; signing: SigningAlgorithm } {
  switch (key.asymmetricKeyType) {
    case "rsa":
      return { algorithm: "RSA", signing: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" } };
    case "ed25519":
      return { algorithm: "ED25519", signing: { name: "Ed25519" } };
    case "ec": {
      const curve = CURVES[key.asymmetricKeyDetails?.namedCurve ?? ""];
      if (curve) return { algorithm: "ECDSA", signing: { name: "ECDSA", ...curve } };
    }
  }
  throw new Error(`the lab signs with RSA, ECDSA P256, P384, P521 or ED25519; ${property} holds another kind of key`);
}
