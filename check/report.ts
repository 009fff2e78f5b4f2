import { GROUPS, type CheckResult, type GroupId, type Probe } from "./result";
import type { Diagnosis } from "./findings";

/** All that a run found, as `--json` prints it. */
export interface Report {
  ok: boolean;
  server: string;
  version: string;
  startedAt: string;
  seconds: number;
  groups: { name: GroupId; title: string; ok: boolean; checks: (CheckResult & { name: string; ok: boolean })[] }[];
  diagnoses: Diagnosis[];
  /** What the check could not remove after itself. */
  leftovers: string[];
}

/** What the report says besides the results. */
export type ReportHeader = Pick<Report, "server" | "version" | "startedAt" | "seconds" | "leftovers">;

export function buildReport(header: ReportHeader, checks: CheckResult[], diagnoses: Diagnosis[]): Report {
  const groups = (Object.keys(GROUPS) as GroupId[]).map((name) => {
    const own = checks.filter(({ group }) => group === name);
    return {
      name,
      title: GROUPS[name],
      ok: own.every(passes),
      checks: own.map((check) => ({ ...check, name: check.id, ok: passes(check) })),
    };
  });
  return { ok: checks.every(passes), ...header, groups, diagnoses };
}

function passes({ status }: CheckResult): boolean {
  return status !== "failed";
}

const SIGNS = { passed: "✔", warning: "‼", failed: "✘", skipped: "–" } as const;
const COLOURS = { passed: 32, warning: 33, failed: 31, skipped: 90 } as const;

/** How many failures of one check are shown one by one. */
const SHOWN = 8;

/** Turns results into lines for people; colours only where they are wanted. */
export class Printer {
  constructor(private readonly coloured: boolean) {}

  /** Title and results of one group; nothing of one that has nothing to say. */
  group(id: GroupId, checks: CheckResult[]): string[] {
    if (checks.length === 0) return [];
    const title = ["", this.paint(GROUPS[id], 1)];
    const [first] = checks;
    const absent = first && checks.every(({ status, detail }) => status === "skipped" && detail === first.detail);
    if (absent) return [...title, this.paint(`– skipped: ${first.detail ?? ""}`, COLOURS.skipped)];
    return [...title, ...checks.flatMap((check) => this.check(check))];
  }

  diagnoses(diagnoses: Diagnosis[]): string[] {
    if (diagnoses.length === 0) return [];
    const blocks = diagnoses.map(({ cause, remedy, explains }) => [
      `${this.paint("✘", 31)} ${cause}`,
      `  ${this.paint("→", 1)} ${remedy}`,
      ...(explains.length > 0 ? [this.paint(`  explains: ${explains.join(", ")}`, 90)] : []),
    ]);
    return ["", this.paint("probable cause", 1), ...blocks.flat()];
  }

  /** One line, always the last. */
  closing({ ok, groups, seconds, leftovers }: Report): string[] {
    const all = groups.flatMap(({ checks }) => checks);
    const count = (status: CheckResult["status"]): number => all.filter((check) => check.status === status).length;
    const parts = [`${count("passed")} passed`];
    for (const status of ["warning", "failed", "skipped"] as const)
      if (count(status) > 0) parts.push(`${count(status)} ${status === "warning" ? "with a warning" : status}`);
    const sign = ok ? this.paint("✔", 32) : this.paint("✘", 31);
    return [
      ...leftovers.map((note) => `${this.paint("‼", 33)} ${note}`),
      "",
      `${sign} ${parts.join(", ")} in ${seconds.toFixed(1)} s`,
    ];
  }

  private check({ status, title, detail, seconds, probes }: CheckResult): string[] {
    const sign = this.paint(SIGNS[status], COLOURS[status]);
    const good = probes.filter(({ ok }) => ok).length;
    const count = probes.length > 1 ? ` (${good} of ${probes.length})` : "";
    const note = detail && !(status === "failed" && probes.length === 1) ? `: ${detail}` : "";
    const time = seconds >= 0.1 ? this.paint(`  ${seconds.toFixed(1)} s`, 90) : "";
    const text = status === "skipped" ? this.paint(`${title}${note} (skipped)`, 90) : `${title}${count}${note}`;
    return [`${sign} ${text}${time}`, ...this.failures(probes)];
  }

  /** Failures with the same words stand on one line. */
  private failures(probes: Probe[]): string[] {
    const byDetail = new Map<string, Probe[]>();
    for (const probe of probes.filter(({ ok }) => !ok)) {
      const detail = probe.detail ?? "failed";
      byDetail.set(detail, [...(byDetail.get(detail) ?? []), probe]);
    }
    const lines = [...byDetail].map(([detail, same]) => `    ${subjects(same)}: ${detail}`);
    const more = lines.length > SHOWN ? [`    … and ${lines.length - SHOWN} more, see --json`] : [];
    return [...lines.slice(0, SHOWN), ...more];
  }

  private paint(text: string, code: number): string {
    return this.coloured ? `\u001b[${code}m${text}\u001b[0m` : text;
  }
}

function subjects(probes: Probe[]): string {
  const shown = probes.slice(0, SHOWN).map(({ subject }) => subject);
  return shown.join(", ") + (probes.length > SHOWN ? ` and ${probes.length - SHOWN} more` : "");
}
