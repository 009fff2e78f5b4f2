/** Requests to one API server: TLS and credentials from the kubeconfig, kept connections, retries, the server's errors. */
import { type IncomingMessage, request as httpRequest, Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent, type RequestOptions, request as httpsRequest } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import type { KubeConfig } from "@kubernetes/client-node";
import { at, listAt, textAt } from "./object";

/** How long, in seconds, a server that answered before is asked again when it stops answering. */
const PATIENCE_SECONDS = 30;
/** How long the first contact may take before the cluster counts as unreachable. */
const FIRST_CONTACT_SECONDS = 5;
/** Limit of one attempt, connecting included. */
const ATTEMPT_SECONDS = 30;
/** Credentials of exec plugins and token files are read again after this time. */
const CREDENTIALS_SECONDS = 60;

/** The API server's refusal (a Status object). */
export class ApiError extends Error {
  constructor(
    readonly code: number,
    /** Machine-readable reason, e.g. `NotFound`, `AlreadyExists`, `Conflict`, `Invalid`. */
    readonly reason: string,
    message: string,
    /** Kind of the thing the refusal is about, e.g. `namespaces`. */
    readonly about: string = "",
    readonly causes: readonly string[] = [],
  ) {
    super(message);
    this.name = "ApiError";
  }
}

/** The API server doesn't answer. */
export class UnreachableError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UnreachableError";
  }
}

/** One request. */
export interface Call {
  method: "GET" | "PATCH" | "PUT" | "DELETE";
  /** Path with its first slash. */
  path: string;
  query?: Record<string, string | undefined>;
  body?: unknown;
  contentType?: string;
  signal?: AbortSignal | undefined;
  /** Form of the answer; default JSON. */
  accept?: string;
  /** The answer is text, not JSON (logs). */
  text?: boolean;
  /** Told why the request is tried again. */
  onRetry?: (reason: string) => void;
}

/** A connection to the API server of the kubeconfig's current context. */
export class Connection {
  readonly server: string;
  private readonly agent: HttpAgent | HttpsAgent;
  private options: RequestOptions = {};
  private optionsAge = 0;
  private reached = false;

  constructor(
    private readonly config: KubeConfig,
    private readonly firstContactSeconds = FIRST_CONTACT_SECONDS,
  ) {
    this.server = (config.getCurrentCluster()?.server ?? "").replace(/\/$/, "");
    const kept = { keepAlive: true, maxSockets: 16 };
    this.agent = this.server.startsWith("http:") ? new HttpAgent(kept) : new HttpsAgent(kept);
  }

  /** Sends a request and gives the parsed answer; throws ApiError, UnreachableError, or the signal's reason. */
  async send(call: Call): Promise<unknown> {
    const patience = this.reached ? PATIENCE_SECONDS : this.firstContactSeconds;
    const end = Date.now() + patience * 1000;
    for (let pause = 100; ; pause = Math.min(pause * 2, 500)) {
      call.signal?.throwIfAborted();
      try {
        const answer = await this.attempt(call, patience);
        this.reached = true;
        return answer;
      } catch (error) {
        call.signal?.throwIfAborted();
        const reason = passing(error);
        if (reason === undefined || Date.now() + pause > end) throw error;
        call.onRetry?.(reason);
        await sleep(pause, undefined, call.signal ? { signal: call.signal } : {}).catch(() => undefined);
      }
    }
  }

  private async attempt(call: Call, patience: number): Promise<unknown> {
    const query = Object.entries(call.query ?? {}).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const url = new URL(this.server + call.path);
    for (const [key, value] of query) url.searchParams.set(key, value);
    const options = await this.credentials();
    const body = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
    const headers = {
      accept: call.accept ?? (call.text ? "text/plain, application/json" : "application/json"),
      ...(options.headers as Record<string, string>),
      ...(body ? { "content-type": call.contentType ?? "application/json", "content-length": body.length } : {}),
    };
    const limit = AbortSignal.timeout(Math.min(ATTEMPT_SECONDS, patience * 2) * 1000);
    const signal = call.signal ? AbortSignal.any([call.signal, limit]) : limit;
    const { status, text } = await this.exchange(url, { ...options, method: call.method, headers, signal }, body);
    if (status >= 300) throw toApiError(status, text);
    return call.text ? text : JSON.parse(text);
  }

  private exchange(url: URL, options: RequestOptions, body?: Buffer): Promise<{ status: number; text: string }> {
    const send = url.protocol === "http:" ? httpRequest : httpsRequest;
    return new Promise((resolve, reject) => {
      const fail = (error: Error) => reject(new UnreachableError(`${url.origin}: ${plain(error)}`));
      const request = send(url, { ...options, agent: this.agent }, (response: IncomingMessage) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", fail);
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }),
        );
      });
      request.on("error", fail);
      request.end(body);
    });
  }

  /** TLS material and headers of the user, read again now and then because tokens expire. */
  private async credentials(): Promise<RequestOptions> {
    if (Date.now() - this.optionsAge > CREDENTIALS_SECONDS * 1000) {
      const fresh: RequestOptions = {};
      await this.config.applyToHTTPSOptions(fresh);
      delete fresh.agent;
      this.options = fresh;
      this.optionsAge = Date.now();
    }
    return this.options;
  }
}

/** Why a failure may pass by itself, or undefined when asking again is no use. */
function passing(error: unknown): string | undefined {
  if (error instanceof UnreachableError) {
    return /certificate|self-signed|ENOTFOUND|tls|ssl/i.test(error.message) ? undefined : error.message;
  }
  if (!(error instanceof ApiError)) return undefined;
  if ([429, 502, 503, 504].includes(error.code)) return error.message;
  // A webhook whose pods are just starting, a leader election of etcd.
  return error.code === 500 && /failed calling webhook|etcdserver|leader changed/.test(error.message)
    ? error.message
    : undefined;
}

function toApiError(status: number, text: string): ApiError {
  try {
    const body: unknown = JSON.parse(text);
    const message = textAt(body, "message") || `HTTP ${status}`;
    const causes = listAt(body, "details.causes").map(
      (cause) => `${textAt(cause, "field")}: ${textAt(cause, "message")}`,
    );
    const about = at(body, "details.kind");
    return new ApiError(status, textAt(body, "reason"), message, typeof about === "string" ? about : "", causes);
  } catch {
    return new ApiError(status, "", `HTTP ${status}: ${text.slice(0, 300)}`);
  }
}

function plain(error: Error): string {
  if (error.name === "TimeoutError" || error.name === "AbortError") return "no answer in time";
  return error.message || (error as NodeJS.ErrnoException).code || error.name;
}
