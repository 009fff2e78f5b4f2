import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { openCloud, type Cloud } from "../../lab/ec2/cloud";
import { ensureInternet } from "../../lab/ec2/internet";
import { attachGateway, createGateway } from "../../lab/ec2/model/internet-gateway";
import { importKeyPair } from "../../lab/ec2/model/key-pair";
import { associateRouteTable, createRoute, createRouteTable } from "../../lab/ec2/model/route-table";
import { createGroup } from "../../lab/ec2/model/security-group";
import { addRule, type RuleRequest } from "../../lab/ec2/model/security-group-rule";
import type { Instance } from "../../lab/ec2/model/state";
import { createSubnet } from "../../lab/ec2/model/subnet";
import { createVpc } from "../../lab/ec2/model/vpc";
import { describeLab, writeLab, type Lab } from "../../lab/lab";

const region = "ap-northeast-2";

/** A lab with a VPC, a public subnet and a security group, as the infra stack would make them. */
export class Ec2Lab {
  private constructor(
    readonly lab: Lab,
    readonly cloud: Cloud,
    private readonly keys: string,
    readonly vpcId: string,
    readonly subnetId: string,
    readonly tableId: string,
    readonly groupId: string,
  ) {}

  static async create(name: string, image: string): Promise<Ec2Lab> {
    const lab = describeLab(name, "127.0.0.1", { base: image, baked: image }, "base");
    writeLab(lab);
    await ensureInternet(name);
    const cloud = openCloud(lab.dir, {});
    const keys = mkdtempSync(join(tmpdir(), "daybreak-ec2-keys-"));
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(keys, "key")]);
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", join(keys, "host")]);
    const publicKey = readFileSync(join(keys, "key.pub"), "utf8");
    const ids = await cloud.change((state) => {
      const vpc = createVpc(state, { cidr: "10.0.0.0/16" });
      const gateway = createGateway(state, {});
      attachGateway(state, gateway.id, vpc.id);
      const subnet = createSubnet(state, { vpcId: vpc.id, cidr: "10.0.1.0/24", region });
      const table = createRouteTable(state, { vpcId: vpc.id });
      createRoute(state, table.id, { destination: "0.0.0.0/0", gatewayId: gateway.id });
      associateRouteTable(state, table.id, subnet.id);
      const group = createGroup(state, { vpcId: vpc.id, name: "nodes", description: "all nodes" });
      importKeyPair(state, { name: "key", publicKey });
      return { vpc: vpc.id, subnet: subnet.id, table: table.id, group: group.id };
    });
    return new Ec2Lab(lab, cloud, keys, ids.vpc, ids.subnet, ids.table, ids.group);
  }

  /** A machine with a known host key. */
  launch(privateIp: string, associatePublicIp = true): Promise<Instance> {
    const hostKey = readFileSync(join(this.keys, "host"), "utf8").replaceAll("\n", "\n    ").trimEnd();
    const hostPublic = readFileSync(join(this.keys, "host.pub"), "utf8").trim();
    return this.cloud.launch({
      imageId: this.lab.machineImages.base,
      type: "t3.small",
      subnetId: this.subnetId,
      privateIp,
      associatePublicIp,
      keyName: "key",
      groupIds: [this.groupId],
      userData: `#cloud-config\nssh_keys:\n  ed25519_public: ${hostPublic}\n  ed25519_private: |\n    ${hostKey}\n`,
    });
  }

  /** Adds an ingress rule and gives its id. */
  async allow(rule: Omit<RuleRequest, "groupId" | "direction">): Promise<string> {
    const request = { ...rule, groupId: this.groupId, direction: "ingress" as const };
    return (await this.cloud.change((state) => addRule(state, request))).id;
  }

  allowTcp(port: number, cidrIpv4 = "198.51.100.10/32"): Promise<string> {
    return this.allow({ protocol: "tcp", fromPort: port, toPort: port, cidrIpv4 });
  }

  /** Runs a command on a machine over SSH from the workstation, its host key verified; the output, or undefined. */
  ssh(address: string, command: string): string | undefined {
    const known = join(this.keys, "known_hosts");
    writeFileSync(known, `* ${readFileSync(join(this.keys, "host.pub"), "utf8")}`);
    const options = ["BatchMode=yes", "ConnectTimeout=2", "StrictHostKeyChecking=yes", `UserKnownHostsFile=${known}`];
    const args = ["-q", "-i", join(this.keys, "key"), ...options.flatMap((option) => ["-o", option])];
    return this.fromInternet("ssh", [...args, `ubuntu@${address}`, command]);
  }

  /** Like {@link ssh}, for a machine that may still be booting: up to 20 s. */
  async sshWhenUp(address: string, command: string): Promise<string> {
    const end = Date.now() + 20_000;
    for (;;) {
      const output = this.ssh(address, command);
      if (output !== undefined) return output;
      if (Date.now() > end) throw new Error(`${address} doesn't answer over SSH`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Whether a TCP port answers the workstation; refused counts as an answer that it is not there. */
  answers(address: string, port: number): boolean {
    return this.fromInternet("bash", ["-c", `timeout 1 bash -c '< /dev/tcp/${address}/${port}'`]) !== undefined;
  }

  /** Runs a command on the workstation; its output, or undefined if it fails. */
  fromInternet(file: string, args: string[]): string | undefined {
    const inside = [`--net=/run/netns/${this.lab.namespace}`, "--", file, ...args];
    try {
      return execFileSync("nsenter", inside, {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
        timeout: 15_000,
      });
    } catch {
      return undefined;
    }
  }

  forgetKeys(): void {
    rmSync(this.keys, { recursive: true, force: true });
  }
}
