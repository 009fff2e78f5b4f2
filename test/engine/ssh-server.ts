/** An SSH server on loopback that runs commands as the test's own user. */
import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import type { AddressInfo } from "node:net";
import { type AuthContext, type Connection, Server, type ServerChannel, utils } from "ssh2";
import { opensshPrivateKey, opensshPublicKey } from "../../lab/plugins/tls/openssh";

/** A key in the notations that SSH uses. */
export interface SshKey {
  private: string;
  public: string;
}

/** A fresh Ed25519 key. */
export function sshKey(): SshKey {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const { type, blob } = opensshPublicKey(publicKey) ?? { type: "", blob: Buffer.alloc(0) };
  return {
    private: opensshPrivateKey(privateKey, publicKey) ?? "",
    public: `${type} ${blob.toString("base64")}`,
  };
}

/** The only variables that the server takes, as sshd's `AcceptEnv`. */
const ACCEPTED = /^(LANG|LC_.*)$/;

/** One server; accepts one user's key. */
export class SshServer {
  readonly hostKey = sshKey();
  readonly userKey = sshKey();
  /** Connections that were dialled. */
  dialled = 0;
  /** Commands that were run. */
  readonly commands: string[] = [];
  private readonly server: Server;
  private readonly connections = new Set<Connection>();

  constructor() {
    this.server = new Server({ hostKeys: [this.hostKey.private] }, (connection) => this.serve(connection));
  }

  /** Starts to listen; port 0 = any free one. */
  async listen(port = 0): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(port, "127.0.0.1", resolve));
    return (this.server.address() as AddressInfo).port;
  }

  close(): void {
    for (const connection of this.connections) connection.end();
    this.server.close();
  }

  private serve(connection: Connection): void {
    this.dialled += 1;
    this.connections.add(connection);
    connection.on("error", () => undefined);
    connection.on("close", () => this.connections.delete(connection));
    connection.on("authentication", (context) => this.authenticate(context));
    connection.on("tcpip", (accept, _reject, { destIP, destPort }) => {
      const channel = accept();
      const target = spawn("bash", ["-c", `exec 3<>/dev/tcp/${destIP}/${destPort}; cat <&3 & cat >&3; wait`], {
        detached: true,
      });
      channel.pipe(target.stdin).on("error", () => undefined);
      target.stdout.pipe(channel);
      channel.on("close", () => killGroup(target));
    });
    connection.on("session", (acceptSession) => {
      const session = acceptSession();
      const environment: Record<string, string> = {};
      session.on("env", (accept, reject, { key, val }) => {
        if (!ACCEPTED.test(key)) return reject?.();
        environment[key] = val;
        accept?.();
      });
      session.on("exec", (accept, _reject, { command }) => this.execute(accept(), command, environment));
    });
  }

  private authenticate(context: AuthContext): void {
    if (context.method !== "publickey") return context.reject(["publickey"]);
    const allowed = utils.parseKey(this.userKey.public);
    if (allowed instanceof Error || !context.key.data.equals(allowed.getPublicSSH())) return context.reject();
    const { blob, signature, hashAlgo } = context;
    if (blob && signature && !allowed.verify(blob, signature, hashAlgo)) return context.reject();
    context.accept();
  }

  private execute(channel: ServerChannel, command: string, environment: Record<string, string>): void {
    this.commands.push(command);
    // Not bash: with a socket as input and no SHLVL it takes itself for rshd's and reads .bashrc.
    const child = spawn("sh", ["-c", command], {
      env: { PATH: process.env["PATH"], ...environment },
      detached: true,
    });
    channel.pipe(child.stdin).on("error", () => undefined);
    child.stdout.pipe(channel, { end: false });
    child.stderr.pipe(channel.stderr, { end: false });
    channel.on("close", () => killGroup(child));
    child.on("close", (code, signal) => {
      if (code === null) channel.exit(signal?.replace("SIG", "") ?? "TERM");
      else channel.exit(code);
      channel.end();
    });
  }
}

/** Ends a detached child with everything that it started: a grandchild would keep its pipes, and with them jest, open. */
function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // All of it has ended.
  }
}
