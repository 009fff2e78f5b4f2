/** Runs one command over an open SSH connection. */
import type { Client, ClientChannel } from "ssh2";
import type { Context } from "../server/provider";
import { onAbort } from "./abort";

/** What to run. */
export interface Execution {
  command: string;
  environment: Record<string, string>;
  stdin?: string;
  /** Gets every complete line of the stream, without its end. */
  onLine(stream: "stdout" | "stderr", line: string): void;
}

/** What came of it. */
export interface Outcome {
  stdout: string;
  stderr: string;
  /** Both, in the order of arrival. */
  combined: string;
  /** Undefined = status 0; otherwise how it ended. */
  failure?: string;
}

/** Runs the command; rejects if it can't be started, when the connection breaks and on `signal`. */
export async function execute(client: Client, execution: Execution, signal: Context["signal"]): Promise<Outcome> {
  const channel = await open(client, execution);
  return new Promise((resolve, reject) => {
    const texts = { stdout: "", stderr: "", combined: "" };
    const flushes = [
      collect(channel, (text) => (texts.stdout += text), "stdout"),
      collect(channel.stderr, (text) => (texts.stderr += text), "stderr"),
    ];
    let ending: string | undefined = "Process ended without exit status: the connection broke";
    const listening = onAbort(signal, () => {
      channel.signal("TERM");
      channel.close();
      reject(signal.reason as Error);
    });
    channel.on("exit", (code: number | null, name?: string) => (ending = describeExit(code, name)));
    channel.on("close", () => {
      listening.stop();
      flushes.forEach((flush) => flush());
      resolve({ ...texts, failure: ending });
    });
    channel.end(execution.stdin ?? "");

    function collect(stream: NodeJS.ReadableStream, add: (text: string) => void, name: "stdout" | "stderr") {
      let line = "";
      stream.setEncoding("utf8");
      stream.on("data", (text: string) => {
        add(text);
        texts.combined += text;
        const lines = (line + text).split("\n");
        line = lines.pop() ?? "";
        lines.forEach((each) => execution.onLine(name, each));
      });
      return () => line && execution.onLine(name, line);
    }
  });
}

function describeExit(code: number | null, signal?: string): string | undefined {
  if (code === 0) return undefined;
  // ssh2 prefixes SIG, the protocol and the upstream provider do not.
  const name = signal?.replace(/^SIG/, "") ?? "unknown";
  return code === null ? `Process exited from signal ${name}` : `Process exited with status ${code}`;
}

function open(client: Client, { command, environment }: Execution): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    client.exec(command, { env: environment }, (error, channel) => (error ? reject(error) : resolve(channel)));
  });
}

/** The parts of the library that tell whether a server took a variable; it has no public call for that. */
interface Internals {
  _protocol: { env(channel: number, name: string, value: string, reply: boolean): void };
  _chanMgr: { get(channel: number): { _callbacks: ((refused: unknown) => void)[] } };
}

/**
 * Which of these variables the server refuses (its `AcceptEnv`). The library sends variables without asking for an
 * answer and starts the command at once, so a first, empty command finds out.
 */
export async function refusedVariables(client: Client, environment: Record<string, string>): Promise<string[]> {
  if (Object.keys(environment).length === 0) return [];
  const { _protocol: protocol, _chanMgr: channels } = client as unknown as Internals;
  const refused: string[] = [];
  const original = protocol.env.bind(protocol);
  protocol.env = (channel, name, value) => {
    channels.get(channel)._callbacks.push((no) => no && refused.push(name));
    original(channel, name, value, true);
  };
  try {
    const channel = await open(client, { command: ":", environment, onLine: () => undefined });
    channel.resume().stderr.resume();
    await new Promise((resolve) => channel.on("close", resolve));
  } finally {
    protocol.env = original;
  }
  return refused;
}
