import type { Supply } from "./supply";

/** How many reasons are told where nothing at all is upstream's. */
const SHOWN_REASONS = 3;

/** What came from upstream and what did not, with the reasons; what has the same reason stands in one line. */
export function describeSupply(supply: Supply): string[] {
  const fetched = supply.parts().filter((part) => supply.upstream(part));
  const byReason = new Map<string, string[]>();
  for (const [name, reason] of Object.entries(supply.reasons()))
    byReason.set(reason, [...(byReason.get(reason) ?? []), name]);
  if (fetched.length === 0) return [`nothing of it is used: ${shortened([...byReason.keys()])}`];
  const refused = [...byReason].map(([reason, names]) => `made here instead: ${names.join(", ")} (${reason})`);
  return [`downloaded: ${fetched.map(({ name }) => name).join(", ")}`, ...refused];
}

function shortened(reasons: readonly string[]): string {
  const more = reasons.length - SHOWN_REASONS;
  const shown = reasons.slice(0, SHOWN_REASONS).join(", ");
  return more > 0 ? `${shown}, and ${more} more of the kind` : shown;
}
