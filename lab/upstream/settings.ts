/** Whether upstream's own downloads are used: if they can be reached, not at all, or an error if they cannot. */
export type UpstreamMode = (typeof MODES)[number];

const MODES = ["auto", "never", "always"] as const;

/**
 * What `DAYBREAK_UPSTREAM` says; `auto` without it.
 *
 * @throws for any other value.
 */
export function upstreamMode(): UpstreamMode {
  const value = process.env.DAYBREAK_UPSTREAM || "auto";
  const mode = MODES.find((known) => known === value);
  if (mode === undefined) throw new Error(`DAYBREAK_UPSTREAM is "${value}": use one of ${MODES.join(", ")}`);
  return mode;
}

/**
 * What stands in for upstream's addresses, as `DAYBREAK_UPSTREAM_URLS` lists it, separated by commas.
 *
 * `https://get.helm.sh=https://mirror.example/helm` replaces the beginning of an address; an entry without `=`, such as
 * `https://mirror.example`, holds every address that no other entry names, as `https://mirror.example/<host>/<path>`.
 */
export function upstreamReplacements(): { from: string; to: string }[] {
  const entries = (process.env.DAYBREAK_UPSTREAM_URLS ?? "").split(",").map((entry) => entry.trim());
  return entries.filter(Boolean).map((entry) => {
    const [from = "", to] = entry.split("=");
    const [prefix, target] = to === undefined ? ["", from] : [from, to];
    if (!/^https?:\/\/./.test(target) || (prefix !== "" && !/^https?:\/\/./.test(prefix)))
      throw new Error(`DAYBREAK_UPSTREAM_URLS: "${entry}" is neither an address nor two of them with = between`);
    return { from: prefix.replace(/\/+$/, ""), to: target.replace(/\/+$/, "") };
  });
}

/** Where something of upstream's is fetched from; the longest replacement that fits wins. */
export function upstreamUrl(url: string): string {
  const fits = upstreamReplacements().filter(({ from }) => from === "" || url === from || url.startsWith(`${from}/`));
  const [best] = fits.sort((a, b) => b.from.length - a.from.length);
  if (best === undefined) return url;
  return best.from === "" ? `${best.to}/${url.replace(/^https?:\/\//, "")}` : best.to + url.slice(best.from.length);
}
