/** Whom a certificate is for: the distinguished name and the alternative names. */
import {
  type Extension,
  type JsonGeneralNames,
  type JsonName,
  Name,
  SubjectAlternativeNameExtension,
} from "@peculiar/x509";
import type { PropertySchema } from "../server/schema";

/** The parts of a distinguished name. */
export interface Subject {
  commonName?: string;
  country?: string;
  emailAddress?: string;
  locality?: string;
  organization?: string;
  organizationalUnit?: string;
  postalCode?: string;
  province?: string;
  serialNumber?: string;
  streetAddresses?: string[];
}

/** Inputs that name the subject. */
export interface SubjectInputs {
  subject?: Subject;
  dnsNames?: string[];
  ipAddresses?: string[];
  uris?: string[];
}

const part: PropertySchema = { type: "string" };
const names: PropertySchema = { type: "array", items: { type: "string", min: 1 }, replace: true };

/** Schema of `SubjectInputs`; every change makes a new certificate. */
export const subjectSchema: Record<string, PropertySchema> = {
  subject: {
    type: "object",
    replace: true,
    properties: {
      commonName: part,
      country: part,
      emailAddress: part,
      locality: part,
      organization: part,
      organizationalUnit: part,
      postalCode: part,
      province: part,
      serialNumber: part,
      streetAddresses: { type: "array", items: part },
    },
  },
  dnsNames: names,
  ipAddresses: names,
  uris: names,
};

/** The name in the order in which upstream writes its parts (which is Go's). */
export function distinguishedName(subject: Subject = {}): Name {
  const parts: [string, string | undefined][] = [
    ["C", subject.country],
    ["O", subject.organization],
    ["OU", subject.organizationalUnit],
    ["L", subject.locality],
    ["ST", subject.province],
    ...(subject.streetAddresses ?? []).map((street): [string, string] => ["2.5.4.9", street]),
    ["2.5.4.17", subject.postalCode],
    ["CN", subject.commonName],
    ["2.5.4.5", subject.serialNumber],
  ];
  const json: JsonName = parts.flatMap(([key, value]) => (value ? [{ [key]: [value] }] : []));
  if (subject.emailAddress) json.push({ E: [subject.emailAddress] });
  return new Name(json);
}

/** The extension that holds DNS names, addresses and URIs; none where there are none. */
export function alternativeNames({ dnsNames = [], ipAddresses = [], uris = [] }: SubjectInputs): Extension[] {
  const all: JsonGeneralNames = [
    ...dnsNames.map((value) => ({ type: "dns" as const, value })),
    ...ipAddresses.map((value) => ({ type: "ip" as const, value })),
    ...uris.map((value) => ({ type: "url" as const, value })),
  ];
  return all.length > 0 ? [new SubjectAlternativeNameExtension(all)] : [];
}
