/** `critical`: somebody has to look now. `warning`: today. */
export type Severity = "critical" | "warning";

/** A rule that fires while its expression has a result. */
export interface AlertRule {
  alert: string;
  expr: string;
  /** How long the expression has to hold first; not at all where it is left out. */
  for?: string;
  labels: { severity: Severity } & Readonly<Record<string, string>>;
  annotations: {
    /** What is wrong, in one sentence with the labels that say where. */
    summary: string;
    /** What it leads to, and where to look first. */
    description: string;
  };
}

/** A figure that is computed once, because several rules or panels need it. */
export interface RecordingRule {
  record: string;
  expr: string;
}

/** Rules that are evaluated one after the other, in this order. */
export interface RuleGroup {
  name: string;
  /** How often; Prometheus' own interval where it is left out. */
  interval?: string;
  rules: readonly (AlertRule | RecordingRule)[];
}
