import type { V1Service } from "@kubernetes/client-node";
import http from "node:http";
import https from "node:https";

import type { Cluster } from "../cluster";
import type { Context, Group, Outside } from "../context";
import { checkOf, probe, skipped, type CheckHeader, type CheckResult, type Probe } from "../result";

/** Seconds until a page must be there; the users' criterion. */
const LIMIT = 10;

interface Page {
  status: number;
  location: string;
  body: string;
}

export const outside: Group = {
  id: "outside",
  async run({ cluster, outside: known }: Context): Promise<CheckResult[]> {
    const grafana = { group: "outside", id: "outside.grafana", title: "Grafana leads to its login page" } as const;
    const bookinfo = { group: "outside", id: "outside.bookinfo", title: "Bookinfo shows a full page" } as const;
    return Promise.all([
      pages(grafana, "Grafana", known.grafanaUrl ?? derive(cluster, isGrafana, "/"), known, checkGrafana),
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

/** @throws if the page isn't there, is cut off, or lacks the details or the reviews */
export function checkBookinfo({ status, body }: Page): string {
  if (status !== 200) throw new Error(`answered ${status} instead of 200`);
  const broken = /Error fetching product (details|reviews)/.exec(body);
  if (broken) throw new Error(`the page says "${broken[0]}": productpage doesn't reach ${broken[1]}`);
  if (!/<\/html>\s*$/.test(body) || !/Book Details/.test(body) || !/Book Reviews/.test(body))
    throw new Error("the page is not complete");
  return "200";
}

/** The URL of the output and, at the same port, every other node's public address: a NodePort is open on all of them. */
async function pages(
  header: CheckHeader,
  name: string,
  url: string | undefined,
  { publicAddresses }: Outside,
  check: (page: Page) => string,
): Promise<CheckResult> {
  if (url === undefined) return skipped(header, `${name} isn't installed, or has no NodePort`);
  const urls = new Map([[url, undefined as string | undefined]]);
  for (const [node, address] of Object.entries(publicAddresses)) {
    const other = new URL(url);
    if (other.hostname === address) urls.set(url, node);
    else {
      other.hostname = address;
      urls.set(other.toString(), node);
    }
  }
  return checkOf(header, await Promise.all([...urls].map(([address, node]) => open(address, node, check))));
}

function open(url: string, node: string | undefined, check: (page: Page) => string): Promise<Probe> {
  const identity = { subject: url, ...(node ? { to: node } : {}) };
  return probe(identity, async () => check(await get(url)));
}

/** One GET that follows no redirect. */
function get(url: string): Promise<Page> {
  const client = url.startsWith("https:") ? https : http;
  const signal = AbortSignal.timeout(LIMIT * 1000);
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void =>
      reject(signal.aborted ? new Error(`no answer within ${LIMIT} s`, { cause: error }) : error);
    client
      .get(url, { signal, agent: false }, (response) => {
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

/** Where only a kubeconfig is known: the API server's address with the Service's NodePort. */
function derive(cluster: Cluster, isIt: (service: V1Service) => boolean, path: string): string | undefined {
  const service = cluster.services.find((candidate) => candidate.spec?.type === "NodePort" && isIt(candidate));
  const port = service?.spec?.ports?.find(({ nodePort }) => nodePort)?.nodePort;
  if (port === undefined) return undefined;
  return `http://${new URL(cluster.server).host.replace(/:\d+$/, "")}:${port}${path}`;
}

function isGrafana({ metadata }: V1Service): boolean {
  return metadata?.labels?.["app.kubernetes.io/name"] === "grafana";
}

function isProductpage({ metadata }: V1Service): boolean {
  return metadata?.name === "productpage";
}
