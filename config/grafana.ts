import { createPrivateKey, X509Certificate } from "node:crypto";
import { z } from "zod";

import { matching } from "./key";

const pem = (kind: string) =>
  matching(/^\s*-----BEGIN [A-Z ]+-----[\s\S]+-----END [A-Z ]+-----\s*$/, `not a ${kind} in PEM form`).optional();

interface Own {
  certificate?: string | undefined;
  privateKey?: string | undefined;
}

/** What is wrong with a certificate of the user's own; nothing when a browser could be served with it today. */
export function certificateFault({ certificate, privateKey }: Own, now = new Date()): string | undefined {
  if (!certificate || !privateKey) return "https own needs both certificate and privateKey";
  try {
    const parsed = new X509Certificate(certificate);
    if (!parsed.checkPrivateKey(createPrivateKey(privateKey))) return "privateKey is not that of the certificate";
    if (new Date(parsed.validTo) <= now) return `the certificate ended on ${parsed.validTo}`;
    return undefined;
  } catch {
    return "certificate or privateKey cannot be read";
  }
}

/** `daybreak:grafana`. */
export const grafanaSettings = z
  .strictObject({
    /** Name of Grafana's administrator; the password is random. */
    adminUser: matching(/^[\w.@-]{1,64}$/, "not 1 to 64 letters, digits, dots, @ or dashes").default("admin"),
    /** Time zone of the dashboards. */
    timezone: matching(/^(browser|utc|[A-Z][\w+-]*(\/[\w+-]+)*)$/, "not a time zone").default("browser"),
    /** off: plain HTTP. cluster: a certificate of the stack's own authority. own: `certificate` and `privateKey`. */
    https: z.enum(["off", "cluster", "own"], { error: "neither off, cluster nor own" }).default("off"),
    /** PEM, the server's certificate first, then those that lead to a known authority. */
    certificate: pem("certificate"),
    /** PEM. */
    privateKey: pem("private key"),
  })
  .superRefine((settings, context) => {
    const unused = settings.https !== "own" && (settings.certificate ?? settings.privateKey) !== undefined;
    const message = unused ? "certificate and privateKey are used with https own only" : undefined;
    const fault = settings.https === "own" ? certificateFault(settings) : message;
    if (fault) context.addIssue({ code: "custom", message: fault });
  });

export type GrafanaSettings = z.output<typeof grafanaSettings>;
