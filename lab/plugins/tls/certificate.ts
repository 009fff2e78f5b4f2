/** What self-signed and locally signed certificates share: inputs, validity, renewal. */
import { createHash, randomBytes } from "node:crypto";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  type Extension,
  type Name,
  type PublicKey,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import type { Difference, Existing, Properties } from "../server/provider";
import { type PropertySchema, changedProperties } from "../server/schema";
import type { SigningKey } from "./keys";
import { allowedUses, usageExtensions } from "./usages";

/** Inputs of both kinds of certificate. */
export interface CertificateInputs {
  allowedUses: string[];
  validityPeriodHours: number;
  earlyRenewalHours?: number;
  isCaCertificate?: boolean;
  maxPathLength?: number;
  setSubjectKeyId?: boolean;
}

/** Schema of `CertificateInputs`. Only `earlyRenewalHours` can change without a new certificate. */
export const certificateSchema: Record<string, PropertySchema> = {
  allowedUses,
  validityPeriodHours: { type: "number", min: 0, required: true, replace: true },
  earlyRenewalHours: { type: "number", min: 0 },
  isCaCertificate: { type: "boolean", replace: true },
  // -1 = no limit, as upstream.
  maxPathLength: { type: "integer", min: -1, replace: true },
  setSubjectKeyId: { type: "boolean", replace: true },
};

/** What belongs to every issued certificate's state. */
export const certificateOutputs = ["certPem", "readyForRenewal", "validityStartTime", "validityEndTime"];

/** Who signs what for whom. */
export interface Issue {
  inputs: CertificateInputs;
  subject: Name;
  issuer: Name;
  publicKey: PublicKey;
  signer: SigningKey;
  alternativeNames: Extension[];
  /** Hexadecimal key identifier of the issuer; without it the extension is left out. */
  authorityKeyId?: string;
}

/** Signs a certificate; its id is its serial number, in decimals. */
export async function issue(request: Issue): Promise<{ id: string; state: Properties }> {
  const { inputs } = request;
  const start = new Date(Math.floor(Date.now() / 1000) * 1000);
  const end = new Date(start.getTime() + inputs.validityPeriodHours * 3_600_000);
  // 127 bits: random, and positive without a leading zero byte.
  const serial = randomBytes(16);
  serial[0] = (serial[0] ?? 0) & 0x7f || 1;
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serial.toString("hex"),
    subject: request.subject,
    issuer: request.issuer,
    notBefore: start,
    notAfter: end,
    publicKey: request.publicKey,
    signingKey: request.signer.pair.privateKey,
    signingAlgorithm: request.signer.signing,
    extensions: extensions(request),
  });
  const state = {
    ...{ earlyRenewalHours: 0, isCaCertificate: false, maxPathLength: -1, setSubjectKeyId: false },
    ...inputs,
    certPem: `${certificate.toString("pem").trimEnd()}\n`,
    readyForRenewal: false,
    validityStartTime: rfc3339(start),
    validityEndTime: rfc3339(end),
  };
  return { id: BigInt(`0x${serial.toString("hex")}`).toString(), state };
}

function extensions({ inputs, publicKey, authorityKeyId, alternativeNames }: Issue): Extension[] {
  const ca = inputs.isCaCertificate ?? false;
  const limit = inputs.maxPathLength ?? -1;
  const result = usageExtensions(inputs.allowedUses);
  result.push(new BasicConstraintsExtension(ca, ca && limit >= 0 ? limit : undefined, true));
  // A certificate authority always gets one: RFC 5280, section 4.2.1.2.
  if (ca || inputs.setSubjectKeyId) result.push(new SubjectKeyIdentifierExtension(keyIdentifier(publicKey)));
  if (authorityKeyId) result.push(new AuthorityKeyIdentifierExtension(authorityKeyId));
  return [...result, ...alternativeNames];
}

/** SHA-1 of the key's bits: RFC 5280, section 4.2.1.2, method 1. */
export function keyIdentifier(key: PublicKey): string {
  return createHash("sha1")
    .update(publicKeyBits(Buffer.from(key.rawData)))
    .digest("hex");
}

/** The content of SubjectPublicKeyInfo's second element, without the count of unused bits. */
function publicKeyBits(spki: Buffer): Buffer {
  const outer = element(spki, 0);
  const algorithm = element(spki, outer.start);
  const bits = element(spki, algorithm.end);
  return spki.subarray(bits.start + 1, bits.end);
}

/** Where the content of the DER element at `offset` starts and ends. */
function element(der: Buffer, offset: number): { start: number; end: number } {
  const first = der[offset + 1] ?? 0;
  if (first < 0x80) return { start: offset + 2, end: offset + 2 + first };
  const count = first & 0x7f;
  const length = der.readUIntBE(offset + 2, count);
  return { start: offset + 2 + count, end: offset + 2 + count + length };
}

/** Seconds, UTC: the notation of upstream's timestamps. */
function rfc3339(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, "Z");
}

/** Whether a certificate has expired or is within its early renewal. */
export function isReadyForRenewal(
  state: Properties,
  earlyRenewalHours = Number(state["earlyRenewalHours"] ?? 0),
): boolean {
  const end = Date.parse(String(state["validityEndTime"]));
  return Date.now() >= end - earlyRenewalHours * 3_600_000;
}

/** Renewal makes a new certificate; `earlyRenewalHours` changes in place, everything else makes a new one. */
export function diffCertificate(old: Existing<Properties>, news: CertificateInputs): Difference {
  const changed = changedProperties(old.inputs, { ...news });
  const replaces = changed.filter((key) => key !== "earlyRenewalHours");
  if (isReadyForRenewal(old.state, news.earlyRenewalHours ?? 0)) replaces.push("readyForRenewal");
  return { changes: changed.length + replaces.length > 0, replaces, updates: changed };
}

/** The state after a change of `earlyRenewalHours`. */
export async function updateCertificate(old: Existing<Properties>, news: CertificateInputs): Promise<object> {
  return { ...old.state, earlyRenewalHours: news.earlyRenewalHours ?? 0 };
}

/** The state as it is now: only the passing of time changes it. */
export async function readCertificate(existing: Existing<Properties>) {
  const { id, state } = existing;
  if (!state["validityEndTime"]) return { id, state };
  return { id, state: { ...state, readyForRenewal: isReadyForRenewal(state) } };
}
