/** The properties of a Release. */
import type { PropertySchema } from "../server/schema";
import type { ChartSource } from "./chart";

/** Default limit of helm's waits, seconds; helm's own. */
export const DEFAULT_TIMEOUT_SECONDS = 300;

/** Inputs of a Release after the check. */
export interface ReleaseInputs extends ChartSource {
  name: string;
  namespace: string;
  createNamespace?: boolean;
  values?: Record<string, unknown>;
  /** Limit of each of helm's waits, seconds; default 300. */
  timeout?: number;
  atomic?: boolean;
  cleanupOnFail?: boolean;
  description?: string;
  disableOpenapiValidation?: boolean;
  disableWebhooks?: boolean;
  forceUpdate?: boolean;
  lint?: boolean;
  maxHistory?: number;
  renderSubchartNotes?: boolean;
  replace?: boolean;
  resetValues?: boolean;
  reuseValues?: boolean;
  skipAwait?: boolean;
  skipCrds?: boolean;
  takeOwnership?: boolean;
  waitForJobs?: boolean;
}

const text: PropertySchema = { type: "string" };
const flag: PropertySchema = { type: "boolean" };
const replacing: PropertySchema = { type: "string", replace: true };

/** Properties of the upstream type that are known and refused, with what to do instead. */
export const UNSERVED: Record<string, string> = {
  valueYamlFiles: "give the values as `values`",
  postrender: "change the values or the chart instead",
  recreatePods: "Helm itself no longer has it",
  disableCRDHooks: "use disableWebhooks or skipCrds",
};

/** Schema of all properties; a name or namespace that changes needs a new release. */
export const RELEASE_INPUTS: Record<string, PropertySchema> = {
  chart: { type: "string", required: true },
  version: text,
  devel: flag,
  verify: flag,
  keyring: text,
  dependencyUpdate: flag,
  repositoryOpts: {
    type: "object",
    properties: { repo: text, caFile: text, certFile: text, keyFile: text, username: text, password: text },
  },
  name: replacing,
  namespace: replacing,
  createNamespace: flag,
  // Not looked into: a null removes a default of the chart.
  values: { type: "map" },
  timeout: { type: "integer", min: 0 },
  atomic: flag,
  cleanupOnFail: flag,
  description: text,
  disableOpenapiValidation: flag,
  disableWebhooks: flag,
  forceUpdate: flag,
  lint: flag,
  maxHistory: { type: "integer", min: 0 },
  renderSubchartNotes: flag,
  replace: flag,
  resetValues: flag,
  reuseValues: flag,
  skipAwait: flag,
  skipCrds: flag,
  takeOwnership: flag,
  waitForJobs: flag,
  allowNullValues: flag,
  compat: text,
  resourceNames: { type: "any" },
  manifest: { type: "any" },
  ...Object.fromEntries(Object.keys(UNSERVED).map((key) => [key, { type: "any" } satisfies PropertySchema])),
};
