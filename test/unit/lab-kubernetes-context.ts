/** What the unit tests of the lab's Kubernetes plugin share: a context, settings, a server that plays the API. */
import { type IncomingMessage, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { KubeConfig } from "@kubernetes/client-node";
import { Cluster, DEFAULT_SETTINGS, type Settings } from "../../lab/plugins/kubernetes/cluster";
import type { KubeObject } from "../../lab/plugins/kubernetes/object";
import type { Context } from "../../lab/plugins/server/provider";

/** A context as the server gives it; `lines` collects what is logged. */
export function contextFor(config: unknown, more: Partial<Context> = {}): Context & { lines: string[] } {
  const lines: string[] = [];
  return {
    urn: "urn:pulumi:test::daybreak::kubernetes:apps/v1:Deployment::web",
    type: "kubernetes:apps/v1:Deployment",
    name: "web",
    preview: false,
    timeoutSeconds: 0,
    signal: new AbortController().signal,
    secretInputs: [],
    config,
    log: (_level, message) => void lines.push(message),
    lines,
    ...more,
  };
}

/** An object with little in it. */
export function objectOf(kind: string, more: object, apiVersion = "apps/v1"): KubeObject {
  return { apiVersion, kind, metadata: { name: "web", namespace: "shop", generation: 1 }, ...more };
}

/** What the played API answers: status and body. */
export type Answer = (request: IncomingMessage, body: string) => [number, unknown];

/** Plays an API server on loopback while `work` runs. */
export async function withApi<T>(
  answer: Answer,
  work: (cluster: Cluster) => Promise<T>,
  settings: Partial<Settings> = {},
): Promise<T> {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const [status, content] = answer(request, body);
      response.writeHead(status).end(typeof content === "string" ? content : JSON.stringify(content));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    return await work(clusterAt(`http://127.0.0.1:${port}`, settings));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** What nobody listens to is given up soon. */
const FIRST_CONTACT_SECONDS = 0.3;

/** A cluster at an address. */
export function clusterAt(server: string, settings: Partial<Settings> = {}): Cluster {
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: "test", server, skipTLSVerify: true }, { name: "admin" });
  return new Cluster(config, { ...DEFAULT_SETTINGS, ...settings }, undefined, FIRST_CONTACT_SECONDS);
}
