/** Dials an SSH server until it answers, as often as the connection's limit allows. */
import { setTimeout as sleep } from "node:timers/promises";
import { Client, type ClientChannel, type ConnectConfig } from "ssh2";
import type { Context } from "../server/provider";
import { onAbort } from "./abort";
import { type Connection, type Endpoint, connectConfig } from "./connection";

/** First pause between dials, its growth, and its upper limit: the upstream provider's. */
const FIRST_PAUSE_MS = 100;
const GROWTH = 1.5;
const LONGEST_PAUSE_MS = 5000;

/** An open SSH connection. */
export interface Session {
  client: Client;
  /** Ends this connection and the one to the proxy. */
  close(): void;
}

/** Connects to the server, through the proxy if there is one. Errors say how often it was tried and what failed last. */
export async function dial(connection: Connection, ctx: Context): Promise<Session> {
  const { proxy } = connection;
  if (!proxy) {
    const client = await dialWithRetry("Dial", connection, ctx, () => connect(connectConfig(connection), ctx.signal));
    return { client, close: () => client.end() };
  }
  const jump = await dialWithRetry("Dial proxy", proxy, ctx, () => connect(connectConfig(proxy), ctx.signal));
  try {
    const client = await dialWithRetry("Dial from proxy", connection, ctx, async () => {
      const sock = await forward(jump, connection);
      return connect({ ...connectConfig(connection), sock }, ctx.signal);
    });
    const close = () => [client, jump].forEach((each) => each.end());
    return { client, close };
  } catch (error) {
    jump.end();
    throw error;
  }
}

async function dialWithRetry<T>(what: string, server: Endpoint, ctx: Context, attempt: () => Promise<T>): Promise<T> {
  const limit = server.dialErrorLimit;
  // Settings that can't be read won't get better by trying.
  connectConfig(server);
  let pause = FIRST_PAUSE_MS;
  for (let failed = 1; ; failed++) {
    try {
      return await attempt();
    } catch (error) {
      const reason = `${server.user}@${server.host}:${server.port}: ${message(error)}`;
      if (ctx.signal.aborted) throw new Error(`${what} ${reason}`);
      if (limit >= 0 && failed > limit) throw new Error(`after ${limit} failed attempts: ${what} ${reason}`);
      ctx.log("info", `${what} ${failed}/${limit < 0 ? "inf" : limit} failed: retrying`, true);
      await sleep(pause, undefined, { signal: ctx.signal }).catch(() => {
        throw new Error(`${failed} failed attempts, the last: ${what} ${reason}`);
      });
    }
    pause = Math.min(pause * GROWTH, LONGEST_PAUSE_MS);
  }
}

function message(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Node's error for several addresses has no text of its own.
  const code = (error as NodeJS.ErrnoException).code;
  if (/verification failed/i.test(error.message)) return "the host key is not the expected one (connection.hostKey)";
  return error.message || code || error.name;
}

function connect(config: ConnectConfig, signal: AbortSignal): Promise<Client> {
  return new Promise((resolve, reject) => {
    const client = new Client();
    const listening = onAbort(signal, () => {
      client.destroy();
      reject(new Error("stopped while dialling"));
    });
    client.once("ready", () => {
      listening.stop();
      resolve(client);
    });
    client.on("keyboard-interactive", (_name, _instructions, _language, prompts, finish) =>
      finish(prompts.map(() => config.password ?? "")),
    );
    // Stays for the connection's whole life: an error after `ready` shows at the command that it breaks.
    client.on("error", (error) => {
      listening.stop();
      client.destroy();
      reject(error);
    });
    client.once("close", () => reject(new Error("the server closed the connection")));
    if (!signal.aborted) client.connect(config);
  });
}

function forward(proxy: Client, { host, port }: Endpoint): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    proxy.forwardOut("127.0.0.1", 0, host, port, (error, channel) => (error ? reject(error) : resolve(channel)));
  });
}
