import type { Hardware, MachineOrder } from "../hardware";
import type { LabDescription } from "../lab-description";
import type { Ec2State } from "../model/state";
import { machineNamespace, namespaceKind, routerNamespace } from "../network/names";
import { bootMachine, isMachineAlive, killMachine, removeDisk, shutDownMachine } from "./machine";
import { namespaces, removeNamespace } from "./namespace";
import { applyRouter } from "./router";

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
    await Promise.all(stale.map((namespace) => removeNamespace(namespace)));
    await Promise.all(Object.values(state.vpcs).map((vpc) => applyRouter(name, state, vpc)));
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
