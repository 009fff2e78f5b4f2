import type { V1Service } from "@kubernetes/client-node";
import http from "node:http";
import https from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { rootCertificates } from "node:tls";

import type { Api } from "../api";
import type { Cluster } from "../cluster";
import type { Context, Group, Outside } from "../context";
import { checkOf, probe, skipped, type CheckHeader, type CheckResult, type Probe } from "../result";

/** Seconds until a page must be there; the users' criterion. */
const LIMIT = 10;

/** Milliseconds until a page that was not right is asked for again. */
const AGAIN_MS = 2000;

/** ConfigMap of the proxy with HTTPS in Grafana's pod, with what to trust there. */
const GATEWAY = "grafana-gateway";

interface Page {
  status: number;
  location: string;
  body: string;
}

export const outside: Group = {
  id: "outside",
  async run({ api, cluster, outside: known }: Context): Promise<CheckResult[]> {
    const secured = await readGateway(api);
    const grafana = { group: "outside", id: "outside.grafana", title: "Grafana leads to its login page" } as const;
    const bookinfo = { group: "outside", id: "outside.bookinfo", title: "Bookinfo shows a full page" } as const;
    const redirect = { group: "outside", id: "outside.https", title: "Grafana sends HTTP on to HTTPS" } as const;
    const grafanaUrl = known.grafanaUrl ?? derive(cluster, isGrafana, "/", secured ? "https" : "http");
    return Promise.all([
      pages(grafana, "Grafana", grafanaUrl, known, checkGrafana, secured),
      ...(secured ? [pages(redirect, "Grafana", plain(grafanaUrl), known, checkRedirect, secured)] : []),
      pages(
        bookinfo,
        "Bookinfo",
        known.bookinfoUrl ?? derive(cluster, isProductpage, "/productpage"),
        known,
        checkBookinfo,
      ),
    ]);
  },
};

/** @throws if the answer isn't a redirect to the login page */
export function checkGrafana({ status, location }: Page): string {
  if (status === 302 && /\/login$/.test(location)) return "302 → /login";
  throw new Error(`answered ${status}${location ? ` → ${location}` : ""} instead of 302 → /login`);
}

/** @throws if plain HTTP isn't sent on to the same page over HTTPS */
export function checkRedirect({ status, location }: Page): string {
  if (status === 308 && location.startsWith("https:")) return "308 → https";
  throw new Error(`answered ${status}${location ? ` → ${location}` : ""} instead of 308 → https`);
}

const plain = (url: string | undefined): string | undefined => url?.replace(/^https:/, "http:");

/** What is known of a page's certificate. */
interface Secured {
  /** What to trust beside the usual authorities, PEM. */
  trusted?: string | undefined;
  /** The name that it is for, unless it is for the nodes' addresses. */
  name?: string | undefined;
}

/** What stands before Grafana with HTTPS, if anything does. */
async function readGateway(api: Api): Promise<Secured | undefined> {
  try {
    const path = `/api/v1/namespaces/monitoring/configmaps/${GATEWAY}`;
    const { data } = await api.get<{ data?: Record<string, string> }>(path);
    return { trusted: data?.["ca.crt"], name: data?.["name"] };
  } catch {
    return undefined;
  }
}

/** @throws if the page isn't there, is cut off, or lacks the details or the reviews */
export function checkBookinfo({ status, body }: Page): string {
  if (status !== 200) throw new Error(`answered ${status} instead of 200`);
  const broken = /Error fetching product (details|reviews)/.exec(body);
  if (broken) throw new Error(`the page says "${broken[0]}": productpage doesn't reach ${broken[1]}`);
  if (!/<\/html>\s*$/.test(body) || !/Book Details/.test(body) || !/Book Reviews/.test(body))
    throw new Error("the page is not complete");
  return "200";
}

/** A page as one node serves it. */
export interface Entrance {
  url: string;
  /** The node, where it is known. */
  node?: string;
  /** Where to go instead of asking DNS for the URL's name. */
  address?: string;
}

/**
 * The URL and, at the same port, every other node's public address: a NodePort is open on all of them. Where the page goes
 * by a name, the URL's own or the certificate's, it is asked for by that name everywhere.
 */
export function entrances(url: string, publicAddresses: Record<string, string>, certified?: string): Entrance[] {
  const { hostname } = new URL(url);
  const named = isIP(hostname) === 0;
  const name = named ? hostname : certified;
  const nodes = new Map<string, string | undefined>(named ? [] : [[hostname, undefined]]);
  for (const [node, address] of Object.entries(publicAddresses)) nodes.set(address, node);
  const entered = [...nodes].map(([address, node]) => ({
    ...(name ? { url: at(url, name), address } : { url: at(url, address) }),
    ...(node && { node }),
  }));
  return named ? [{ url }, ...entered] : entered;
}

function at(url: string, address: string): string {
  const other = new URL(url);
  other.hostname = address;
  return other.toString();
}

async function pages(
  header: CheckHeader,
  name: string,
  url: string | undefined,
  { publicAddresses }: Outside,
  check: (page: Page) => string,
  { trusted, name: certified }: Secured = {},
): Promise<CheckResult> {
  if (url === undefined) return skipped(header, `${name} isn't installed, or has no NodePort`);
  const probes = entrances(url, publicAddresses, certified).map((entrance) => pageAt(entrance, check, trusted));
  return checkOf(header, await Promise.all(probes));
}

/**
 * One call inside that comes too late leaves a page without its part: on a busy machine one of six did. So it has two tries.
 * @param trusted certificates that are trusted beside the usual authorities, PEM
 * @param againMs milliseconds before the second; 2000.
 */
export function pageAt(
  entrance: Entrance,
  check: (page: Page) => string,
  trusted?: string,
  againMs = AGAIN_MS,
): Promise<Probe> {
  const { url, node, address } = entrance;
  const identity = { subject: address ? `${url} at ${address}` : url, ...(node ? { to: node } : {}) };
  return probe(identity, async () => {
    const first = await get(entrance, trusted);
    try {
      return check(first);
    } catch {
      await sleep(againMs);
      return check(await get(entrance, trusted));
    }
  });
}

/** One GET that follows no redirect. */
function get({ url, address }: Entrance, trusted: string | undefined): Promise<Page> {
  const client = url.startsWith("https:") ? https : http;
  const signal = AbortSignal.timeout(LIMIT * 1000);
  const options: https.RequestOptions = {
    signal,
    agent: false,
    // A chain need not end in a root: what somebody put there is to be trusted as it is.
    ...(trusted && { ca: [...rootCertificates, trusted], allowPartialTrustChain: true }),
    ...(address && { lookup: leadingTo(address) }),
  };
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void =>
      reject(signal.aborted ? new Error(`no answer within ${LIMIT} s`, { cause: error }) : error);
    client
      .get(url, options, (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (body += chunk));
        response.on("error", fail);
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, location: response.headers.location ?? "", body }),
        );
      })
      .on("error", fail);
  });
}

/** Takes DNS' place: every name is at this address. */
function leadingTo(address: string): LookupFunction {
  const family = isIP(address);
  return (_name, { all }, callback) => (all ? callback(null, [{ address, family }]) : callback(null, address, family));
}

/** Where only a kubeconfig is known: the API server's address with the Service's NodePort. */
function derive(
  cluster: Cluster,
  isIt: (service: V1Service) => boolean,
  path: string,
  scheme = "http",
): string | undefined {
  const service = cluster.services.find((candidate) => candidate.spec?.type === "NodePort" && isIt(candidate));
  const port = service?.spec?.ports?.find(({ nodePort }) => nodePort)?.nodePort;
  if (port === undefined) return undefined;
  return `${scheme}://${new URL(cluster.server).host.replace(/:\d+$/, "")}:${port}${path}`;
}

function isGrafana({ metadata }: V1Service): boolean {
  return metadata?.labels?.["app.kubernetes.io/name"] === "grafana";
}

function isProductpage({ metadata }: V1Service): boolean {
  return metadata?.name === "productpage";
}
