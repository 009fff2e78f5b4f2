/** Keys in OpenSSH's own notation (PROTOCOL.key of OpenSSH; RFC 4253, 5656, 8709 for the public part). */
import { type KeyObject, randomBytes } from "node:crypto";

/** A public key as `authorized_keys` and `known_hosts` hold it. */
export interface OpensshPublicKey {
  /** e.g. `ssh-ed25519`. */
  type: string;
  /** The binary form whose base64 follows the type. */
  blob: Buffer;
}

const CURVES: Record<string, string> = { "P-256": "nistp256", "P-384": "nistp384", "P-521": "nistp521" };

/** Undefined for keys that SSH doesn't know (ECDSA P-224). */
export function opensshPublicKey(key: KeyObject): OpensshPublicKey | undefined {
  const parts = publicParts(key);
  if (!parts) return undefined;
  return { type: parts.type, blob: Buffer.concat([text(parts.type), ...parts.fields]) };
}

/** The private key, not encrypted; undefined for keys that SSH doesn't know. */
export function opensshPrivateKey(privateKey: KeyObject, publicKey: KeyObject): string | undefined {
  const parts = publicParts(publicKey);
  const openssh = opensshPublicKey(publicKey);
  if (!parts || !openssh) return undefined;
  // The same number twice: with an encrypted key it shows whether the passphrase was right.
  const check = randomBytes(4);
  const content = Buffer.concat([check, check, text(parts.type), ...privateFields(privateKey, parts.fields), text("")]);
  const padding = Buffer.from([1, 2, 3, 4, 5, 6, 7]).subarray(0, (8 - (content.length % 8)) % 8);
  const count = Buffer.from([0, 0, 0, 1]);
  const file = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    ...[text("none"), text("none"), text(""), count],
    ...[field(openssh.blob), field(Buffer.concat([content, padding]))],
  ]);
  const lines = file.toString("base64").match(/.{1,64}/g) ?? [];
  return ["-----BEGIN OPENSSH PRIVATE KEY-----", ...lines, "-----END OPENSSH PRIVATE KEY-----", ""].join("\n");
}

function publicParts(key: KeyObject): { type: string; fields: Buffer[] } | undefined {
  // Node doesn't write P-224 as a JWK; SSH has no such key either.
  if (key.asymmetricKeyDetails?.namedCurve === "secp224r1") return undefined;
  const jwk = key.export({ format: "jwk" });
  switch (jwk.kty) {
    case "RSA":
      return { type: "ssh-rsa", fields: [integer(jwk.e), integer(jwk.n)] };
    case "OKP":
      return { type: "ssh-ed25519", fields: [field(bytes(jwk.x))] };
    case "EC": {
      const curve = CURVES[jwk.crv ?? ""];
      if (!curve) return undefined;
      const point = Buffer.concat([Buffer.from([4]), bytes(jwk.x), bytes(jwk.y)]);
      return { type: `ecdsa-sha2-${curve}`, fields: [text(curve), field(point)] };
    }
    default:
      return undefined;
  }
}

function privateFields(key: KeyObject, publicFields: Buffer[]): Buffer[] {
  const jwk = key.export({ format: "jwk" });
  switch (jwk.kty) {
    case "RSA":
      return [jwk.n, jwk.e, jwk.d, jwk.qi, jwk.p, jwk.q].map(integer);
    case "OKP":
      return [...publicFields, field(Buffer.concat([bytes(jwk.d), bytes(jwk.x)]))];
    default:
      return [...publicFields, integer(jwk.d)];
  }
}

function bytes(base64url: string | undefined): Buffer {
  return Buffer.from(base64url ?? "", "base64url");
}

function text(value: string): Buffer {
  return field(Buffer.from(value));
}

/** Length (32 bits) and content. */
function field(content: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  return Buffer.concat([length, content]);
}

/** A positive integer in two's complement: no leading zeros, but one where the first bit is set. */
function integer(base64url: string | undefined): Buffer {
  const digits = bytes(base64url);
  const first = digits.findIndex((byte) => byte !== 0);
  const content = digits.subarray(first < 0 ? digits.length : first);
  return field((content[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), content]) : content);
}
