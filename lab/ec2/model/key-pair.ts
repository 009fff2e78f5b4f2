import { createHash, createPublicKey } from "node:crypto";
import { Ec2Error } from "./errors";
import { newId, type Ec2State, type KeyPair, type Tags } from "./state";

export interface KeyPairRequest {
  name: string;
  /** OpenSSH form: "ssh-ed25519 AAAA… comment". */
  publicKey: string;
  tags?: Tags;
}

/** Imports a public key under a name; RSA and ED25519 only, as EC2 (InvalidKey.Format, InvalidKeyPair.Duplicate). */
export function importKeyPair(state: Ec2State, request: KeyPairRequest): KeyPair {
  if (state.keyPairs[request.name] !== undefined) {
    throw new Ec2Error("InvalidKeyPair.Duplicate", `The keypair already exists`);
  }
  const { type, blob } = parsePublicKey(request.publicKey);
  const pair: KeyPair = {
    id: newId("key"),
    name: request.name,
    publicKey: request.publicKey.trim(),
    type,
    fingerprint: type === "ed25519" ? sha256Fingerprint(blob) : md5Fingerprint(blob),
    tags: request.tags ?? {},
  };
  state.keyPairs[request.name] = pair;
  return pair;
}

function parsePublicKey(text: string): { type: KeyPair["type"]; blob: Buffer } {
  const [kind, base64] = text.trim().split(/\s+/);
  const blob = Buffer.from(base64 ?? "", "base64");
  const type = kind === "ssh-rsa" ? "rsa" : kind === "ssh-ed25519" ? "ed25519" : undefined;
  // The blob repeats the kind after its length, so a cut or mangled key shows here.
  const named = blob.length > 4 && blob.subarray(4, 4 + blob.readUInt32BE(0)).toString("latin1") === kind;
  if (type === undefined || !named) {
    throw new Ec2Error("InvalidKey.Format", "Key is not in valid OpenSSH public key format");
  }
  return { type, blob };
}

function sha256Fingerprint(blob: Buffer): string {
  return createHash("sha256").update(blob).digest("base64");
}

/** EC2 shows the MD5 of the key's DER form for imported RSA keys. */
function md5Fingerprint(blob: Buffer): string {
  const parts = sshStrings(blob);
  const jwk = { kty: "RSA", e: base64url(parts[1]), n: base64url(parts[2]) };
  const der = createPublicKey({ key: jwk, format: "jwk" }).export({ type: "spki", format: "der" });
  return (createHash("md5").update(der).digest("hex").match(/../g) ?? []).join(":");
}

function sshStrings(blob: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at + 4 <= blob.length;) {
    const length = blob.readUInt32BE(at);
    parts.push(blob.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return parts;
}

function base64url(number: Buffer | undefined): string {
  const bytes = number ?? Buffer.alloc(0);
  return (bytes[0] === 0 ? bytes.subarray(1) : bytes).toString("base64url");
}

/** The key pair of that name; InvalidKeyPair.NotFound if there is none. */
export function findKeyPair(state: Ec2State, name: string): KeyPair {
  const pair = state.keyPairs[name];
  if (pair === undefined) throw new Ec2Error("InvalidKeyPair.NotFound", `The key pair '${name}' does not exist`);
  return pair;
}

/** Forgets a key pair; machines keep the key they were launched with. EC2 doesn't mind if it is gone already. */
export function deleteKeyPair(state: Ec2State, name: string): void {
  delete state.keyPairs[name];
}
