import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";

/** Names of the nodes whose SSH servers get a key. */
export interface SshKeysArgs {
  nodeNames: readonly string[];
}

/** A key pair in OpenSSH's formats. */
export interface SshKey {
  /** PEM in OpenSSH format; secret. */
  privateKey: pulumi.Output<string>;
  /** One line, as in authorized_keys. */
  publicKey: pulumi.Output<string>;
}

function sshKey(key: tls.PrivateKey): SshKey {
  return {
    privateKey: pulumi.secret(key.privateKeyOpenssh),
    publicKey: key.publicKeyOpenssh.apply((line) => line.trim()),
  };
}

/**
 * The administrator's SSH key and one host key per node, all ED25519.
 * The host keys exist before the machines do, so the first connection already knows whom it talks to.
 */
export class SshKeys extends pulumi.ComponentResource {
  readonly admin: SshKey;
  /** Host keys by node name. */
  readonly hosts: Readonly<Record<string, SshKey>>;

  constructor(name: string, args: SshKeysArgs, opts?: pulumi.ComponentResourceOptions) {
    super("daybreak:infra:SshKeys", name, args, opts);
    const key = (suffix: string) =>
      sshKey(new tls.PrivateKey(`${name}-${suffix}`, { algorithm: "ED25519" }, { parent: this }));
    this.admin = key("admin");
    this.hosts = Object.fromEntries(args.nodeNames.map((node) => [node, key(`host-${node}`)]));
    this.registerOutputs({ adminPublicKey: this.admin.publicKey });
  }

  /**
   * The host key of a node.
   * @throws Error for a name that was not among the arguments.
   */
  host(node: string): SshKey {
    const key = this.hosts[node];
    if (!key) throw new Error(`no SSH host key was made for ${node}`);
    return key;
  }
}
