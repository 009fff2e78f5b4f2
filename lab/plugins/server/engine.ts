/** The way back to the engine: log lines shown at a resource. */
import * as grpc from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";
import type { Level } from "./provider";

const SEVERITY = {
  debug: LogSeverity.DEBUG,
  info: LogSeverity.INFO,
  warning: LogSeverity.WARNING,
  error: LogSeverity.ERROR,
} as const;

/** Connection to the engine that started this plugin; without an address lines go to stderr. */
export class Engine {
  private client: EngineClient | undefined;
  private pending: Promise<void> = Promise.resolve();

  constructor(address?: string) {
    if (address) this.connect(address);
  }

  /** Uses the engine at `address` (host:port) from now on. */
  connect(address: string): void {
    this.client?.close();
    this.client = new EngineClient(address, grpc.credentials.createInsecure());
  }

  /** Logs a line at a resource, in the order of the calls; never throws. */
  log(level: Level, message: string, urn = "", ephemeral = false): void {
    const client = this.client;
    if (!client) {
      process.stderr.write(`${message}\n`);
      return;
    }
    const request = new LogRequest();
    request.setSeverity(SEVERITY[level]);
    request.setMessage(message);
    request.setUrn(urn);
    request.setEphemeral(ephemeral);
    const send = (resolve: () => void) =>
      client.log(request, new grpc.Metadata(), { deadline: Date.now() + 5000 }, () => resolve());
    this.pending = this.pending.then(() => new Promise<void>(send));
  }

  /** Resolves when every line has reached the engine (or an engine that is gone has been given up). */
  flush(): Promise<void> {
    return this.pending;
  }
}
