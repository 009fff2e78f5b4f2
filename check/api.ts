import type { KubeConfig } from "@kubernetes/client-node";
import http from "node:http";
import https from "node:https";

/** The API server's answer with a status of 400 and above. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly kubernetesReason?: string,
  ) {
    super(message);
  }
}

export interface RequestOptions {
  /** Limit for the whole request in seconds, 8 by default: no single question holds up the check. */
  timeout?: number;
  body?: unknown;
  /** `Content-Type` of the body. */
  contentType?: string;
}

export interface ApiAnswer {
  status: number;
  text: string;
  /** The API server's clock. */
  date: Date;
  seconds: number;
}

const DEFAULT_TIMEOUT = 8;

/**
 * Plain requests to the API server over connections that stay open.
 *
 * The generated client is not used: half of the questions go through the proxy and log subresources, where it has
 * neither time limits nor the text of the answer.
 */
export class Api {
  private constructor(
    /** Base address, without a slash at the end. */
    readonly server: string,
    private readonly agent: http.Agent,
    private readonly headers: http.OutgoingHttpHeaders,
    private readonly signal: AbortSignal,
  ) {}

  /**
   * @param signal ends every request under way
   * @throws if the kubeconfig names no cluster or its credentials cannot be had
   */
  static async connect(kubeConfig: KubeConfig, signal: AbortSignal): Promise<Api> {
    const cluster = kubeConfig.getCurrentCluster();
    if (cluster === null) throw new Error("the kubeconfig has no current cluster");
    const options: https.RequestOptions = {};
    await kubeConfig.applyToHTTPSOptions(options);
    const { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername } = options;
    const tls = { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername };
    const agent = cluster.proxyUrl
      ? (options.agent as http.Agent)
      : cluster.server.startsWith("http:")
        ? new http.Agent({ keepAlive: true })
        : new https.Agent({ keepAlive: true, ...tls });
    const headers = { ...(options.headers as http.OutgoingHttpHeaders) };
    return new Api(cluster.server.replace(/\/+$/, ""), agent, headers, signal);
  }

  /** @throws {ApiError} from status 400 on; Error "no answer within …" and the socket's own errors */
  async get<T>(path: string, options?: RequestOptions): Promise<T> {
    return JSON.parse((await this.request("GET", path, options)).text) as T;
  }

  async create<T>(path: string, body: unknown, options?: RequestOptions): Promise<T> {
    return JSON.parse((await this.request("POST", path, { ...options, body })).text) as T;
  }

  /** What is already gone counts as deleted. */
  async remove(path: string, options?: RequestOptions): Promise<void> {
    try {
      await this.request("DELETE", path, options);
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) throw error;
    }
  }

  /** The same API, with another signal: the cleaning up must not end with what it cleans up after. */
  withSignal(signal: AbortSignal): Api {
    return new Api(this.server, this.agent, this.headers, signal);
  }

  async request(method: string, path: string, options: RequestOptions = {}): Promise<ApiAnswer> {
    const start = performance.now();
    const limit = options.timeout ?? DEFAULT_TIMEOUT;
    const expired = AbortSignal.timeout(limit * 1000);
    const signal = AbortSignal.any([this.signal, expired]);
    try {
      const answer = await this.send(method, path, options, signal);
      if (answer.status >= 400) throw errorOf(answer);
      return { ...answer, seconds: (performance.now() - start) / 1000 };
    } catch (error) {
      if (expired.aborted) throw new Error(`no answer within ${limit} s`, { cause: error });
      if (this.signal.aborted) throw new Error("the check was ended", { cause: error });
      throw error;
    }
  }

  private send(method: string, path: string, options: RequestOptions, signal: AbortSignal): Promise<ApiAnswer> {
    const body = options.body === undefined ? undefined : JSON.stringify(options.body);
    const headers: http.OutgoingHttpHeaders = { ...this.headers, accept: "application/json, */*" };
    if (body !== undefined) {
      headers["content-type"] = options.contentType ?? "application/json";
      headers["content-length"] = Buffer.byteLength(body);
    }
    const send = this.server.startsWith("http:") ? http.request : https.request;
    return new Promise((resolve, reject) => {
      const request = send(this.server + path, { method, headers, agent: this.agent, signal }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            text: Buffer.concat(chunks).toString(),
            date: new Date(response.headers.date ?? Date.now()),
            seconds: 0,
          }),
        );
      });
      request.on("error", reject);
      request.end(body);
    });
  }
}

function errorOf({ status, text }: ApiAnswer): ApiError {
  try {
    const { message, reason } = JSON.parse(text) as { message?: string; reason?: string };
    if (message) return new ApiError(status, message, reason);
  } catch {
    // Not the API server's own answer but that of what stands behind its proxy.
  }
  return new ApiError(status, `HTTP ${status}${text ? `: ${text.slice(0, 300)}` : ""}`);
}
