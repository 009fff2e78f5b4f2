import { stringify } from "yaml";

export interface UserDataArgs {
  hostname: string;
  /** The node's SSH host key, as the program made it. */
  hostKey: { privateKey: string; publicKey: string };
}

/**
 * What cloud-init does at a node's first boot: its name and the SSH host key that the program already knows.
 * Everything else is the bootstrap's, which can be repeated. The administrator's key comes from the EC2 key pair.
 */
export function userData({ hostname, hostKey }: UserDataArgs): string {
  const document = {
    hostname,
    ssh_keys: { ed25519_private: hostKey.privateKey, ed25519_public: hostKey.publicKey },
  };
  return `#cloud-config\n${stringify(document, { lineWidth: 0 })}`;
}
