/**
 * `pulumi-language-nodejs` of the lab: lets the plain Pulumi CLI run Node programs where Pulumi's own language host
 * can't be downloaded. The CLI finds it on the PATH. What it doesn't serve is answered with UNIMPLEMENTED.
 */
import * as grpc from "@grpc/grpc-js";
import { LanguageRuntimeService } from "@pulumi/pulumi/proto/language_grpc_pb";
import { endWithParent, listen } from "../server/process";
import { LanguageHost } from "./host";

type Handler = (request: never) => unknown;

function unary(work: Handler): grpc.handleUnaryCall<unknown, unknown> {
  return (call, callback) => {
    void Promise.resolve(call.request)
      .then(work as (request: unknown) => unknown)
      .then(
        (response) => callback(null, response),
        (error: unknown) => callback({ code: grpc.status.FAILED_PRECONDITION, details: String(error) }),
      );
  };
}

function unimplemented(method: string): grpc.handleUnaryCall<unknown, unknown> {
  const details = `${method} is not served by the lab's language host`;
  return (_call, callback) => callback({ code: grpc.status.UNIMPLEMENTED, details });
}

/** The engine's address is the last argument that is no option. */
const host = new LanguageHost(process.argv.slice(2).findLast((argument) => !argument.startsWith("-")) ?? "");

const implementation: grpc.UntypedServiceImplementation = Object.fromEntries(
  Object.entries(LanguageRuntimeService).flatMap(([method, { responseStream }]) =>
    responseStream ? [] : [[method, unimplemented(method)]],
  ),
);
for (const [method, work] of Object.entries(host.methods())) implementation[method] = unary(work);
implementation["installDependencies"] = host.installDependencies.bind(host);

endWithParent(() => host.stop());
process.on("SIGTERM", () => host.stop(() => process.exit(143)));
process.on("SIGINT", () => host.stop(() => process.exit(130)));
void listen((server) => server.addService(LanguageRuntimeService, implementation));
