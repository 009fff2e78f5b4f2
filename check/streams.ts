import { Exec, PortForward, type KubeConfig, type V1Status } from "@kubernetes/client-node";
import { PassThrough, Writable } from "node:stream";

/** Seconds for one stream. A kubelet that can be reached answers in under one. */
const LIMIT = 8;

/**
 * Runs a command in a container through API server and kubelet, as `kubectl exec` does.
 *
 * @throws if it doesn't end well within 8 s; the message is the API server's
 */
export async function exec(kubeConfig: KubeConfig, namespace: string, pod: string, command: string[]): Promise<void> {
  await limited(
    new Promise<void>((resolve, reject) => {
      const done = ({ status, message }: V1Status): void =>
        status === "Success" ? resolve() : reject(new Error(message ?? "the command failed"));
      new Exec(kubeConfig)
        .exec(namespace, pod, "agnhost", command, sink(), sink(), null, false, done)
        .catch((error: unknown) => reject(socketError(error)));
    }),
  );
}

/**
 * Sends one HTTP request through a forwarded port, as `kubectl port-forward` and curl do.
 *
 * @returns the body
 * @throws if none arrives within 8 s
 */
export async function getForwarded(
  kubeConfig: KubeConfig,
  namespace: string,
  pod: string,
  port: number,
  path: string,
): Promise<string> {
  const input = new PassThrough();
  const errors = new PassThrough();
  try {
    return await limited(
      new Promise<string>((resolve, reject) => {
        const output = collect((text) => {
          const [head, body] = text.split("\r\n\r\n");
          if (head?.startsWith("HTTP/1.") && body) resolve(body);
        });
        errors.once("data", (data: Buffer) => reject(new Error(data.toString().trim())));
        new PortForward(kubeConfig)
          .portForward(namespace, pod, [port], output, errors, input)
          .then(() => input.write(`GET ${path} HTTP/1.0\r\nHost: ${pod}\r\n\r\n`))
          .catch((error: unknown) => reject(socketError(error)));
      }),
    );
  } finally {
    input.end();
  }
}

function sink(): Writable {
  return new Writable({ write: (_chunk, _encoding, next) => next() });
}

function collect(onText: (text: string) => void): Writable {
  let text = "";
  return new Writable({
    write(chunk: Buffer, _encoding, next) {
      text += chunk.toString();
      onText(text);
      next();
    },
  });
}

/** What `ws` reports is an event around the error. */
function socketError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  const { message } = thrown as { message?: string };
  return new Error(message ?? "the stream could not be opened");
}

async function limited<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${LIMIT} s`)), LIMIT * 1000);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
