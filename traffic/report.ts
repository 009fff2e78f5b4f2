import { z } from "zod";

const percentile = z.object({ Percentile: z.number(), Value: z.number() });

/** What is read of fortio's JSON; times in seconds. */
const shape = z.object({
  ActualQPS: z.number(),
  RetCodes: z.record(z.string(), z.number()),
  DurationHistogram: z.object({ Avg: z.number(), Percentiles: z.array(percentile).nullish() }),
});

/** The outcome of a load. */
export interface LoadReport {
  requests: number;
  /** Requests that were not answered with 2xx, those without an answer among them. */
  errors: number;
  /** Answers by status; -1 stands for none. */
  codes: Record<string, number>;
  /** Requests a second that it came to. */
  rate: number;
  /** Seconds. */
  latency: { mean: number; p50: number; p90: number; p95: number; p99: number; p999: number };
}

/** A log of fortio that ended, taken apart. */
export interface FortioLog {
  /** What it says to people. */
  text: string;
  /** Undefined if it ended without one. */
  report: LoadReport | undefined;
}

/**
 * The log of a pod holds stdout and stderr, line by line as the container runtime came upon them: the report stands
 * between two lines with a lone brace, and lines for people may have got into it. Theirs are not indented.
 */
export function readLog(log: string): FortioLog {
  const lines = log.trim().split("\n");
  const first = lines.indexOf("{");
  const last = lines.indexOf("}", first);
  if (first < 0 || last < 0) return { text: log.trim(), report: undefined };
  const isReport = (line: string, at: number): boolean =>
    at === first || at === last || (at > first && at < last && /^\s/.test(line));
  const json: unknown = JSON.parse(lines.filter(isReport).join("\n"));
  return { text: lines.filter((line, at) => !isReport(line, at)).join("\n"), report: loadReport(shape.parse(json)) };
}

function loadReport({ ActualQPS, RetCodes, DurationHistogram }: z.output<typeof shape>): LoadReport {
  const count = (wanted: (code: string) => boolean): number =>
    Object.entries(RetCodes).reduce((sum, [code, times]) => sum + (wanted(code) ? times : 0), 0);
  const at = (wanted: number): number =>
    DurationHistogram.Percentiles?.find(({ Percentile }) => Percentile === wanted)?.Value ?? NaN;
  return {
    requests: count(() => true),
    errors: count((code) => !/^2\d\d$/.test(code)),
    codes: RetCodes,
    rate: ActualQPS,
    latency: { mean: DurationHistogram.Avg, p50: at(50), p90: at(90), p95: at(95), p99: at(99), p999: at(99.9) },
  };
}

/** Seconds as a reader takes them in: "12.3 ms". */
export const ms = (seconds: number): string => `${(seconds * 1000).toFixed(1)} ms`;

/** The outcome in one line. */
export function describe({ requests, errors, rate, latency, codes }: LoadReport, wantedRate: number): string {
  const kept = `${rate.toFixed(1)} of ${wantedRate} requests/s`;
  const times = `p50 ${ms(latency.p50)}, p95 ${ms(latency.p95)}, p99 ${ms(latency.p99)}`;
  const failed = Object.entries(codes).filter(([code]) => !/^2\d\d$/.test(code));
  const kinds = failed.map(([code, times]) => `${times} × ${code === "-1" ? "no answer" : code}`).join(", ");
  return `${errors ? "✘" : "✔"} ${requests} requests, ${errors} failed${kinds && ` (${kinds})`}; ${kept}; ${times}`;
}
