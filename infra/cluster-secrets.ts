import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

/** The random secrets of a cluster: what lets a worker in, and what etcd's Secrets are encrypted with. */
export class ClusterSecrets extends pulumi.ComponentResource {
  /** kubeadm's bootstrap token, `[a-z0-9]{6}.[a-z0-9]{16}`; secret. Valid for 24 hours after each run of the control plane's script. */
  readonly bootstrapToken: pulumi.Output<string>;
  /** 32 bytes in base64, for the API server's secretbox; secret. */
  readonly encryptionKey: pulumi.Output<string>;

  constructor(name: string, args: Record<string, never> = {}, opts?: pulumi.ComponentResourceOptions) {
    super("daybreak:infra:ClusterSecrets", name, args, opts);
    const letters = (length: number) => ({ length, special: false, upper: false });
    const id = new random.RandomString(`${name}-token-id`, letters(6), { parent: this });
    const secret = new random.RandomPassword(`${name}-token-secret`, letters(16), { parent: this });
    const key = new random.RandomBytes(`${name}-encryption-key`, { length: 32 }, { parent: this });
    this.bootstrapToken = pulumi.secret(pulumi.interpolate`${id.result}.${secret.result}`);
    this.encryptionKey = pulumi.secret(key.base64);
    this.registerOutputs({ bootstrapToken: this.bootstrapToken });
  }
}
