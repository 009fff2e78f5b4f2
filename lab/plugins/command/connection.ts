/** The `connection` input of `remote.Command`: its properties and what they mean to the SSH client. */
import { createPrivateKey, createPublicKey } from "node:crypto";
import { type ConnectConfig, utils } from "ssh2";
import type { PropertySchema } from "../server/schema";
import { opensshPrivateKey } from "../tls/openssh";

/** How one SSH server is reached. */
export interface Endpoint {
  host: string;
  user: string;
  port: number;
  password?: string;
  privateKey?: string;
  privateKeyPassword?: string;
  agentSocketPath?: string;
  /** Failed dials allowed; -1 = no limit. */
  dialErrorLimit: number;
  /** Seconds for one dial with its handshake; 0 = no limit. */
  perDialTimeout: number;
  /** The server's public key in `authorized_keys` notation; without it the server is not verified. */
  hostKey?: string;
}

/** A server, perhaps reached through another. */
export interface Connection extends Endpoint {
  proxy?: Endpoint;
}

const endpoint: Record<string, PropertySchema> = {
  host: { type: "string", required: true, min: 1 },
  user: { type: "string", default: "root" },
  port: { type: "integer", min: 1, max: 65535, default: 22 },
  password: { type: "string" },
  privateKey: { type: "string" },
  privateKeyPassword: { type: "string" },
  agentSocketPath: { type: "string" },
  dialErrorLimit: { type: "integer", min: -1, default: 10 },
  perDialTimeout: { type: "integer", min: 0, default: 15 },
  hostKey: { type: "string" },
};

/** Schema of `Connection`; all of it is secret, as upstream. */
export const connectionSchema: PropertySchema = {
  type: "object",
  required: true,
  secret: true,
  properties: { ...endpoint, proxy: { type: "object", properties: endpoint } },
};

/** The SSH client's settings; throws where the key or the host key can't be read. */
export function connectConfig(server: Endpoint): ConnectConfig {
  return {
    host: server.host,
    port: server.port,
    username: server.user,
    password: server.password,
    tryKeyboard: server.password !== undefined,
    privateKey: server.privateKey && readableKey(server.privateKey, server.privateKeyPassword),
    passphrase: server.privateKeyPassword,
    agent: server.agentSocketPath ?? process.env["SSH_AUTH_SOCK"],
    readyTimeout: server.perDialTimeout * 1000,
    // A server that vanishes in the middle of a command is noticed after a minute.
    keepaliveInterval: 15_000,
    keepaliveCountMax: 4,
    ...(server.hostKey === undefined ? {} : verification(server.hostKey)),
  };
}

/** The SSH library doesn't read PKCS#8, which is what `tls.PrivateKey` gives for Ed25519: written as OpenSSH does. */
function readableKey(pem: string, passphrase?: string): string {
  const parsed = utils.parseKey(pem, passphrase);
  if (!(parsed instanceof Error)) return pem;
  try {
    const key = createPrivateKey({ key: pem, passphrase });
    const openssh = opensshPrivateKey(key, createPublicKey(key));
    if (openssh) return openssh;
  } catch {
    // Reported below, for both readers.
  }
  throw new Error(`connection.privateKey can't be used for SSH: ${parsed.message}`);
}

/** Accepts this host key only, and asks the server for that kind of key. */
function verification(hostKey: string): Pick<ConnectConfig, "hostVerifier" | "algorithms"> {
  const parsed = utils.parseKey(hostKey);
  if (parsed instanceof Error) throw new Error(`connection.hostKey can't be read: ${parsed.message}`);
  const { type } = parsed;
  const expected = parsed.getPublicSSH();
  // One kind of RSA key, three kinds of signature.
  const algorithms = type === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"] : [type];
  return {
    hostVerifier: (key: Buffer) => key.equals(expected),
    algorithms: { serverHostKey: algorithms as never },
  };
}
