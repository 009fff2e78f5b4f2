import * as pulumi from "@pulumi/pulumi";
import * as aws from "@pulumi/aws/ec2";
import { getAvailabilityZonesOutput } from "@pulumi/aws/getAvailabilityZones";

export interface NetworkArgs {
  /** IPv4 network of the VPC, /16 to /27. */
  vpcCidr: string;
  /** One public subnet in each of two zones. */
  subnetCidrs: readonly [controlPlane: string, workers: string];
  /** Zones of the two subnets; the region's first two by name when not given. */
  availabilityZones?: readonly string[] | undefined;
}

/** The first two of a region's zones, by name so that the choice stays the same tomorrow. */
export function firstTwoZones(names: readonly string[]): [string, string] {
  const [first, second] = [...names].sort();
  if (first === undefined || second === undefined)
    throw new pulumi.RunError(
      `This region has ${names.length} availability zone open to the account and two are needed; choose another: pulumi config set daybreak:region ap-northeast-2`,
    );
  return [first, second];
}

/**
 * A VPC with an internet gateway and two public subnets in different zones. A machine in the workers' subnet gets a public address
 * from EC2; the control plane has the Elastic IP.
 */
export class Network extends pulumi.ComponentResource {
  readonly vpcId: pulumi.Output<string>;
  readonly controlPlaneSubnetId: pulumi.Output<string>;
  readonly workerSubnetId: pulumi.Output<string>;
  /** What an Elastic IP needs to exist before it can be associated. */
  readonly internetGateway: aws.InternetGateway;

  constructor(name: string, args: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("daybreak:infra:Network", name, args, opts);
    const vpc = new aws.Vpc(
      name,
      { cidrBlock: args.vpcCidr, enableDnsSupport: true, enableDnsHostnames: true, tags: { Name: name } },
      { parent: this },
    );
    this.internetGateway = new aws.InternetGateway(name, { vpcId: vpc.id, tags: { Name: name } }, { parent: this });
    const table = this.publicRoutes(name, vpc);
    const zones = this.zones(args);
    const zone = (index: number) => zones.apply((names) => names[index] ?? "");
    const [controlPlaneCidr, workerCidr] = args.subnetCidrs;
    this.vpcId = vpc.id;
    const controlPlane = { vpcId: vpc.id, cidrBlock: controlPlaneCidr, availabilityZone: zone(0) };
    const workers = { vpcId: vpc.id, cidrBlock: workerCidr, availabilityZone: zone(1), mapPublicIpOnLaunch: true };
    this.controlPlaneSubnetId = this.subnet(`${name}-control-plane`, controlPlane, table);
    this.workerSubnetId = this.subnet(`${name}-workers`, workers, table);
    this.registerOutputs({
      vpcId: this.vpcId,
      controlPlaneSubnetId: this.controlPlaneSubnetId,
      workerSubnetId: this.workerSubnetId,
    });
  }

  private zones({ availabilityZones }: NetworkArgs): pulumi.Output<readonly string[]> {
    if (availabilityZones) return pulumi.output(availabilityZones);
    const filters = [{ name: "opt-in-status", values: ["opt-in-not-required"] }];
    const found = getAvailabilityZonesOutput({ state: "available", filters }, { parent: this });
    return found.names.apply(firstTwoZones);
  }

  private publicRoutes(name: string, vpc: aws.Vpc): aws.RouteTable {
    const table = new aws.RouteTable(name, { vpcId: vpc.id, tags: { Name: name } }, { parent: this });
    new aws.Route(
      name,
      { routeTableId: table.id, destinationCidrBlock: "0.0.0.0/0", gatewayId: this.internetGateway.id },
      { parent: this },
    );
    return table;
  }

  private subnet(name: string, args: aws.SubnetArgs, table: aws.RouteTable): pulumi.Output<string> {
    const subnet = new aws.Subnet(name, { ...args, tags: { Name: name } }, { parent: this });
    new aws.RouteTableAssociation(name, { subnetId: subnet.id, routeTableId: table.id }, { parent: this });
    return subnet.id;
  }
}
