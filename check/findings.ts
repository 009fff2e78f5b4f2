import type { CheckResult, Probe } from "./result";

/** A probable cause of failures. */
export interface Diagnosis {
  /** Stable name, for instance `node-to-node` or `mesh-c`. */
  id: string;
  /** What is wrong, and by which signs. */
  cause: string;
  /** What to do, with the command. */
  remedy: string;
  /** The checks that it explains. */
  explains: string[];
}

/** What the remedies' commands are about. */
export interface Names {
  /** Name of the infrastructure stack. */
  stack: string;
}

/** The failed probes of a check, none if it passed or wasn't made. */
export function failures(checks: CheckResult[], id: string): Probe[] {
  const check = checks.find((candidate) => candidate.id === id);
  return check?.status === "failed" ? check.probes.filter(({ ok }) => !ok) : [];
}

/** The ids of those among the given checks that failed. */
export function failedIds(checks: CheckResult[], ...ids: string[]): string[] {
  const wanted = (id: string): boolean => ids.some((prefix) => id === prefix || id.startsWith(`${prefix}.`));
  return checks.filter(({ id, status }) => status === "failed" && wanted(id)).map(({ id }) => id);
}

/** Names in a sentence: "a", "a and b", "a, b and c". */
export function listed(names: Iterable<string>): string {
  const all = [...new Set(names)];
  return all.length < 2 ? (all[0] ?? "") : `${all.slice(0, -1).join(", ")} and ${all.at(-1)}`;
}
