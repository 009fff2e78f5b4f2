import * as pulumi from "@pulumi/pulumi";
import { Instance } from "@pulumi/aws/ec2";

import type { SshKey } from "./ssh-keys";
import { userData } from "./user-data";

/** What all nodes of a stack have in common. */
export interface Machine {
  /** Image; `imageIsChosen` says that the config names it, or else later changes of it are ignored. */
  ami: pulumi.Input<string>;
  imageIsChosen: boolean;
  securityGroupId: pulumi.Input<string>;
  keyName: pulumi.Input<string>;
  /** Size of the root volume in GiB. */
  rootVolumeGib: number;
  /** Credit mode of burstable types; others have none. */
  cpuCredits: "unlimited" | "standard";
}

export interface NodeArgs extends Machine {
  /** Name of the node in Kubernetes and of the machine. */
  nodeName: string;
  hostKey: SshKey;
  subnetId: pulumi.Input<string>;
  /** Fixed address in the subnet, known before the machine. */
  privateAddress: string;
  instanceType: string;
  /** Whether it is a spot instance. */
  spot: boolean;
}

const isBurstable = (instanceType: string): boolean => /^t\d/.test(instanceType);

/** One machine: an EC2 instance with IMDSv2 only, an encrypted gp3 root volume and a known SSH host key. */
export class Node extends pulumi.ComponentResource {
  readonly nodeName: string;
  readonly privateAddress: string;
  readonly hostKey: pulumi.Output<string>;
  readonly instanceId: pulumi.Output<string>;
  /** Empty for a machine without a public address of its own. */
  readonly publicAddress: pulumi.Output<string>;

  constructor(name: string, args: NodeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("daybreak:infra:Node", name, args, opts);
    const instance = this.instance(name, args);
    this.nodeName = args.nodeName;
    this.privateAddress = args.privateAddress;
    this.hostKey = args.hostKey.publicKey;
    this.instanceId = instance.id;
    this.publicAddress = instance.publicIp;
    this.registerOutputs({ instanceId: this.instanceId, publicAddress: this.publicAddress });
  }

  private instance(name: string, args: NodeArgs): Instance {
    const bootData = pulumi
      .all([args.hostKey.privateKey, args.hostKey.publicKey])
      .apply(([privateKey, publicKey]) => userData({ hostname: args.nodeName, hostKey: { privateKey, publicKey } }));
    return new Instance(
      name,
      {
        ami: args.ami,
        instanceType: args.instanceType,
        // Public addresses are the subnet's matter: the provider takes an Elastic IP for one of the machine's own, and after a refresh
        // it would replace a machine of which the program says that it has none (hashicorp/terraform-provider-aws#47100).
        subnetId: args.subnetId,
        privateIp: args.privateAddress,
        vpcSecurityGroupIds: [args.securityGroupId],
        keyName: args.keyName,
        userData: pulumi.secret(bootData),
        // Tokens only, and one hop: a pod, which is one hop further away, cannot reach the instance's metadata.
        metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
        rootBlockDevice: {
          volumeType: "gp3",
          volumeSize: args.rootVolumeGib,
          encrypted: true,
          deleteOnTermination: true,
        },
        ...(isBurstable(args.instanceType) ? { creditSpecification: { cpuCredits: args.cpuCredits } } : {}),
        ...(args.spot
          ? { instanceMarketOptions: { marketType: "spot", spotOptions: { spotInstanceType: "one-time" } } }
          : {}),
        tags: { Name: name },
      },
      {
        parent: this,
        // The address is fixed, so the new machine needs the old one gone.
        deleteBeforeReplace: true,
        // Where the program says nothing of the market, the provider keeps what is there: without this, spot instances would stay.
        replacementTrigger: args.spot,
        // A newer Ubuntu must not replace nodes in the middle of the day, and user data counts at the first boot only.
        ignoreChanges: args.imageIsChosen ? ["userData"] : ["ami", "userData"],
      },
    );
  }
}
