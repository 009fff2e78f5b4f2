import { images } from "../../config/versions";
import { type Budget, type Footprint, resources } from "../budget";
import { UNPRIVILEGED, unprivilegedPod } from "../security";

/** fortio holds a histogram and a few connections. Half a CPU drives 1000 requests a second. */
const BUDGET: Budget = { cpu: 30, memory: 24, memoryLimit: 128 };

/** Slowest answer at which the rate is still kept: connections are numbered for it. */
const SLOWEST_ANSWER_SECONDS = 0.2;

/** fortio opens no more connections than this, whatever the rate. */
const MAX_CONNECTIONS = 200;

/** Connections that keep up a rate (requests/s) while answers take up to {@link SLOWEST_ANSWER_SECONDS}. */
export function connections(rate: number): number {
  return Math.min(MAX_CONNECTIONS, Math.max(1, Math.ceil(rate * SLOWEST_ANSWER_SECONDS)));
}

/** How long a load goes on: until it is stopped, for a number of seconds, or for a number of requests. */
export type Extent = "forever" | { seconds: number } | { requests: number };

/** A constant load on one page. */
export interface Load {
  url: string;
  /** Requests a second, above 0: fortio takes 0 for "as fast as you can". */
  rate: number;
  extent: Extent;
}

function extentFlags(extent: Extent): string[] {
  if (extent === "forever") return ["-t", "0"];
  return "seconds" in extent ? ["-t", `${extent.seconds}s`] : ["-n", String(extent.requests)];
}

/** A load without an end starts with the platform, where the page may need a moment more; one with an end reports. */
function endFlags(extent: Extent): string[] {
  return extent === "forever" ? ["-allow-initial-errors"] : ["-json", "-", "-logger-json=false"];
}

/**
 * fortio's command line. Requests are spread evenly over time and connections, and what a stalled server has missed is
 * not made up for in a burst. A load with an end reports then, as text on stderr and as JSON on stdout.
 * @throws RangeError for a rate that is not above 0
 */
export function fortioArgs({ url, rate, extent }: Load): string[] {
  if (!(rate > 0)) throw new RangeError(`a load of ${rate} requests/s is none; use no generator instead`);
  return [
    "load",
    ...["-qps", String(rate)],
    ...["-c", String(connections(rate))],
    ...extentFlags(extent),
    "-uniform",
    "-nocatchup",
    ...endFlags(extent),
    "-log-errors=false",
    ...["-timeout", "10s"],
    // Times are told apart by 0.1 ms; the default, 1 ms, is a fifth of what a fast page takes.
    ...["-r", "0.0001"],
    ...["-p", "50,90,95,99,99.9"],
    url,
  ];
}

/** The pod that drives a load. The image holds nothing but the program, so it can run as any user, read-only. */
export function loadPod(load: Load) {
  return {
    automountServiceAccountToken: false,
    // A whole name (it has four dots) is asked for as it is, before the domains of the search list are tried one by one:
    // the last of them is the node's own, for which the cluster's DNS asks outside and may wait for an answer.
    dnsConfig: { options: [{ name: "ndots", value: "2" }] },
    securityContext: unprivilegedPod(65534),
    containers: [
      {
        name: "fortio",
        image: images.fortio,
        imagePullPolicy: "IfNotPresent",
        args: fortioArgs(load),
        resources: resources(BUDGET),
        securityContext: { ...UNPRIVILEGED, readOnlyRootFilesystem: true },
      },
    ],
  };
}

export const TRAFFIC_FOOTPRINT: readonly Footprint[] = [
  { pod: "traffic", replicas: 1, pinned: false, meshed: true, containers: { fortio: BUDGET } },
];
