/** A certificate's key: small, known to every client of today, and the only kind that the mesh accepts. */
export const CERTIFICATE_KEY = { algorithm: "ECDSA", ecdsaCurve: "P256" };

export const HOURS_PER_YEAR = 8760;

/** A certificate that is signed for a year; an `up` in its last 30 days renews it. */
export const YEARLY = { validityPeriodHours: HOURS_PER_YEAR, earlyRenewalHours: 30 * 24 };

/** What a server's certificate is for. */
export const SERVER_USES = ["digital_signature", "server_auth"];
