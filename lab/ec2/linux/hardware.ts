import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Hardware, MachineOrder } from "../hardware";
import type { LabDescription } from "../lab-description";
import type { Ec2State, Vpc } from "../model/state";
import { machineNamespace, namespaceKind, routerNamespace } from "../network/names";
import { bootMachine, isMachineAlive, killMachine, removeDisk, shutDownMachine } from "./machine";
import { endNameServer, ensureNameServer } from "./name-server";
import { namespaces, removeNamespace } from "./namespace";
import { applyRouter, routerPlan } from "./router";

/** EC2's hardware played by this Linux machine: systemd-nspawn, network namespaces and nftables. */
export class LinuxHardware implements Hardware {
  constructor(private readonly lab: LabDescription) {}

  async applyNetwork(state: Ec2State): Promise<void> {
    const { name } = this.lab;
    const wanted = new Set([
      ...Object.keys(state.vpcs).map((id) => routerNamespace(name, id)),
      ...Object.keys(state.instances).map((id) => machineNamespace(name, id)),
    ]);
    const stale = namespaces().filter((namespace) => {
      const kind = namespaceKind(name, namespace);
      return (kind === "router" || kind === "machine") && !wanted.has(namespace);
    });
    await Promise.all(stale.map((namespace) => this.removeNetwork(namespace)));
    await Promise.all(Object.values(state.vpcs).map((vpc) => this.applyVpc(state, vpc)));
  }

  private async removeNetwork(namespace: string): Promise<void> {
    if (namespaceKind(this.lab.name, namespace) === "router") await endNameServer(namespace);
    await removeNamespace(namespace);
  }

  /** Most changes of the model leave a VPC's network as it is: what was applied last is kept in a file, which tells. */
  private async applyVpc(state: Ec2State, vpc: Vpc): Promise<void> {
    const { name, dir } = this.lab;
    const record = join(dir, "ec2", "applied", vpc.id);
    const wanted = routerPlan(state, vpc);
    const present = existsSync(record) && namespaces().includes(routerNamespace(name, vpc.id));
    if (present && readFileSync(record, "utf8") === wanted) return;
    rmSync(record, { force: true });
    await applyRouter(name, state, vpc);
    await ensureNameServer(this.lab, vpc);
    mkdirSync(join(dir, "ec2", "applied"), { recursive: true });
    writeFileSync(record, wanted, { mode: 0o600 });
  }

  async startMachine(order: MachineOrder): Promise<void> {
    await bootMachine(this.lab, order);
  }

  async stopMachine(instanceId: string): Promise<void> {
    await shutDownMachine(this.lab.name, instanceId);
  }

  async destroyMachine(instanceId: string): Promise<void> {
    await killMachine(this.lab.name, instanceId);
    await removeDisk(this.lab.dir, instanceId);
  }

  isAlive(instanceId: string): boolean {
    return isMachineAlive(this.lab.name, instanceId);
  }
}
