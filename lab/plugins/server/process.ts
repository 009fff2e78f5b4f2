/** A plugin as a process: where it listens and when it ends. */
import * as grpc from "@grpc/grpc-js";

/** As much as the engine allows itself: states and schemas can be large. */
const MAX_MESSAGE_BYTES = 400 * 1024 * 1024;

/** Starts a gRPC server on a free loopback port and prints the port as the first line, which the engine waits for. */
export async function listen(addServices: (server: grpc.Server) => void): Promise<void> {
  const server = new grpc.Server({
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
  });
  addServices(server);
  const port = await new Promise<number>((resolve, reject) => {
    const credentials = grpc.ServerCredentials.createInsecure();
    server.bindAsync("127.0.0.1:0", credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  process.stdout.write(`${port}\n`);
}

/**
 * Ends this process when the one that started it is gone, however that ended: `stop` is called, and the process
 * exits at most 5 s later. The engine normally ends its plugins itself.
 */
export function endWithParent(stop: () => void): void {
  const parent = process.ppid;
  const look = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(look);
    stop();
    setTimeout(() => process.exit(1), 5000);
  }, 500);
}
