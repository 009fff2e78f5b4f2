import { WINDOW } from "./dashboard";

/** Labels to group by; none sums everything up. */
type By = readonly string[];

const by = (labels: By): string => (labels.length > 0 ? ` by (${labels.join(", ")})` : "");

/** Sum of the rates of a counter. */
export const rate = (counter: string, matchers: string, labels: By = []): string =>
  `sum${by(labels)} (rate(${counter}{${matchers}}[${WINDOW}]))`;

/** A quantile (0 to 1) of a histogram, from the rates of its buckets. */
export const quantile = (share: number, histogram: string, matchers: string, labels: By = []): string =>
  `histogram_quantile(${share}, ${rate(`${histogram}_bucket`, matchers, ["le", ...labels])})`;

/**
 * Matchers for the requests that a proxy lets in, without the kubelet's probes, which only the newer proxies name: a
 * matcher lets through what lacks the label.
 */
export const inbound = (matchers: string): string =>
  `direction="inbound",route_name!="probe"${matchers && `,${matchers}`}`;

/** Requests a second. */
export const requests = (matchers: string, labels: By = []): string => rate("response_total", matchers, labels);

/** Share of answers that were failures. Counted by what succeeded, because of what never happens there is no series. */
export const failures = (matchers: string, labels: By = []): string =>
  `1 - ${requests(`${matchers},classification="success"`, labels)} / ${requests(matchers, labels)}`;

/** Time to answer, in milliseconds. */
export const latency = (share: number, matchers: string, labels: By = []): string =>
  quantile(share, "response_latency_ms", matchers, labels);
