import { proxyOf } from "../check/mesh";
import { type LoadReport, ms } from "../traffic/report";
import { CONFIDENCE, CRITERION_PERCENT, type Overhead, overhead, type Verdict } from "./overhead";
import type { Variant } from "./copies";
import type { Plan, Rounds } from "./rounds";
import type { Standing } from "./stage";

const FIGURES = ["mean", "p50", "p95", "p99"] as const;

type Figure = (typeof FIGURES)[number];

/** All that was measured, as `--json` prints it. Times in seconds, overheads in percent. */
export interface Measurement {
  plan: Plan;
  criterionPercent: number;
  confidence: number;
  /** The mesh's proxy, and whether it only stands in for Linkerd's: then the figures say nothing of Linkerd. */
  proxy: { image: string; standIn: boolean };
  variants: Record<Variant, { namespace: string; pods: number; proxies: number; errors: number; rounds: LoadReport[] }>;
  overhead: Record<Figure, Overhead>;
}

export function measurement(plan: Plan, copies: Record<Variant, Standing>, rounds: Rounds): Measurement {
  const variant = (name: Variant) => ({
    namespace: copies[name].namespace,
    pods: copies[name].pods.length,
    proxies: proxies(copies[name]).length,
    errors: rounds[name].reduce((sum, { errors }) => sum + errors, 0),
    rounds: rounds[name],
  });
  const pairs = (figure: Figure) =>
    rounds.plain.map(({ latency }, i) => ({ plain: latency[figure], meshed: rounds.meshed[i]!.latency[figure] }));
  return {
    plan,
    criterionPercent: CRITERION_PERCENT,
    confidence: CONFIDENCE,
    proxy: { image: proxies(copies.meshed)[0] ?? "", standIn: isStandIn(copies.meshed) },
    variants: { plain: variant("plain"), meshed: variant("meshed") },
    overhead: Object.fromEntries(FIGURES.map((figure) => [figure, overhead(pairs(figure))])) as Measurement["overhead"],
  };
}

/** Images of the proxies. */
function proxies({ pods }: Standing): string[] {
  return pods.flatMap((pod) => proxyOf(pod)?.image ?? []);
}

/** Whatever stands in for a part of the platform says so in what it makes. */
function isStandIn({ pods }: Standing): boolean {
  return pods.some(({ metadata }) => /stand-in/.test(metadata?.annotations?.["linkerd.io/created-by"] ?? ""));
}

const WORDS: Record<Verdict, string> = {
  within: `✔ within ±${CRITERION_PERCENT} %`,
  outside: `✘ outside ±${CRITERION_PERCENT} %`,
  undecided: `? not decided: more rounds`,
};

const signed = (percent: number): string => `${percent < 0 ? "−" : "+"}${Math.abs(percent).toFixed(1)} %`;

/** The table, and what has to be known to read it. */
export function render({ plan, proxy, variants, overhead: found }: Measurement): string {
  const mean = (name: Variant, figure: Figure): number =>
    variants[name].rounds.reduce((sum, { latency }) => sum + latency[figure], 0) / variants[name].rounds.length;
  const rows = FIGURES.map((figure) => {
    const { percent, low, high, verdict } = found[figure];
    const interval = `${signed(low)} … ${signed(high)}`;
    const times = [ms(mean("plain", figure)), ms(mean("meshed", figure))];
    return [figure, ...times, signed(percent), interval, WORDS[verdict]];
  });
  const titles = ["", "without", "with mesh", "overhead", `${CONFIDENCE * 100} % interval`, "criterion"];
  const errors = variants.plain.errors + variants.meshed.errors;
  return [
    `Time of Bookinfo's page, ${plan.rounds} rounds of ${plan.seconds} s each way at ${plan.rate} requests/s`,
    "",
    ...table([titles, ...rows]),
    "",
    `proxy: ${proxy.image}`,
    ...(proxy.standIn
      ? ["The proxies are stand-ins: these figures are theirs, and say nothing of Linkerd's overhead."]
      : []),
    ...(errors ? [`✘ ${errors} requests failed: the figures are not to be trusted`] : []),
  ].join("\n");
}

function table(rows: string[][]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, i) => (i === 0 || i === row.length - 1 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join("  ")
      .trimEnd(),
  );
}
