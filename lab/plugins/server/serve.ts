/** Serves a provider over the engine's protocol. */
import * as grpc from "@grpc/grpc-js";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import { Engine } from "./engine";
import { grpcError, unimplemented } from "./failure";
import { endWithParent, listen } from "./process";
import type { Provider } from "./provider";
import { ProviderService } from "./service";

/** The methods of the protocol that these plugins serve; the engine does without the others. */
const SERVED = [
  "handshake",
  "attach",
  "getPluginInfo",
  "getSchema",
  "checkConfig",
  "diffConfig",
  "configure",
  "invoke",
  "check",
  "diff",
  "create",
  "read",
  "update",
  "delete",
  "cancel",
] as const;

/**
 * Serves `provider` on a loopback port until the engine goes away; prints the port, as the engine expects.
 * The engine's address is the program's first argument.
 */
export function serve(provider: Provider): void {
  const engine = new Engine(process.argv[2]);
  const service = new ProviderService(provider, engine);
  // A stray rejection (a socket that closes after its call has ended) must not take the other calls with it.
  const stray = (error: unknown) =>
    engine.log(
      "warning",
      `the lab's ${provider.name} plugin: ${error instanceof Error ? error.message : String(error)}`,
    );
  process.on("uncaughtException", stray);
  process.on("unhandledRejection", stray);
  endWithParent(() => service.cancel());
  void listen((server) => server.addService(ResourceProviderService, implementation(service)));
}

/** Answers every method of the protocol: served ones by `service`, all others with UNIMPLEMENTED. */
function implementation(service: ProviderService): grpc.UntypedServiceImplementation {
  const methods: grpc.UntypedServiceImplementation = {};
  for (const method of Object.keys(ResourceProviderService)) {
    methods[method] = (_call: unknown, callback?: grpc.sendUnaryData<unknown>) => callback?.(unimplemented(method));
  }
  for (const method of SERVED) {
    const work = service[method].bind(service) as (request: unknown) => unknown;
    methods[method] = (call: { request: unknown }, callback: grpc.sendUnaryData<unknown>) => {
      // `then` rather than await: a synchronous error, too, becomes an answer.
      void Promise.resolve(call.request)
        .then(work)
        .then(
          (response) => callback(null, response),
          (error: unknown) => callback(grpcError(error)),
        );
    };
  }
  return methods;
}
