/** Turns what a provider throws into the errors that the engine understands. */
import * as grpc from "@grpc/grpc-js";
import { Any } from "google-protobuf/google/protobuf/any_pb";
import { ErrorResourceInitFailed } from "@pulumi/pulumi/proto/provider_pb";
import { Status } from "@pulumi/pulumi/proto/status_pb";
import { encode } from "./codec";
import { CancelledError, TimeLimitError } from "./operation";
import { PartialError } from "./provider";

/** A gRPC error for `error`. The secrets of a partial state have to be marked already. */
export function grpcError(error: unknown): Partial<grpc.StatusObject> {
  if (error instanceof PartialError) return partial(error);
  const message = error instanceof Error ? error.message : String(error);
  // A plain message, no stack: it is shown to the user. `Unknown` would make the engine doubt whether the
  // resource exists; a provider that throws anything but PartialError says that nothing was made.
  return { code: code(error), details: message };
}

/** The error of a call that these plugins don't serve. */
export function unimplemented(method: string): Partial<grpc.StatusObject> {
  return { code: grpc.status.UNIMPLEMENTED, details: `${method} is not served by the lab's plugins` };
}

function code(error: unknown): grpc.status {
  if (error instanceof CancelledError) return grpc.status.CANCELLED;
  if (error instanceof TimeLimitError) return grpc.status.DEADLINE_EXCEEDED;
  return grpc.status.FAILED_PRECONDITION;
}

function partial(error: PartialError): Partial<grpc.StatusObject> {
  const detail = new ErrorResourceInitFailed();
  detail.setId(error.id);
  detail.setProperties(encode(error.state));
  detail.setReasonsList(error.reasons);
  if (error.inputs) detail.setInputs(encode(error.inputs));
  const any = new Any();
  any.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const status = new Status();
  status.setCode(grpc.status.UNKNOWN);
  status.setMessage(error.message);
  status.addDetails(any);
  const metadata = new grpc.Metadata();
  // Where gRPC carries structured errors.
  metadata.add("grpc-status-details-bin", Buffer.from(status.serializeBinary()));
  return { code: grpc.status.UNKNOWN, details: error.message, metadata };
}
