import type { Ec2State, Instance } from "./model/state";

/**
 * What stands behind the model: networks and machines. The model decides, the hardware does as told.
 *
 * Two kinds exist: this Linux machine (linux/), and {@link noHardware} for tests of everything above.
 */
export interface Hardware {
  /** Makes the networks as the state has them: routers, cables, filters, public addresses. Called under the lab's lock. */
  applyNetwork(state: Ec2State): Promise<void>;
  /** Boots a machine whose network exists; its disk is made at the first boot. Returns when it was started, as EC2. */
  startMachine(machine: MachineOrder, signal?: AbortSignal): Promise<void>;
  /** Shuts a machine down and keeps its disk. */
  stopMachine(instanceId: string): Promise<void>;
  /** Ends a machine at once and removes its disk. Nothing happens if it is gone already. */
  destroyMachine(instanceId: string): Promise<void>;
  /** Whether the machine's processes are there. */
  isAlive(instanceId: string): boolean;
}

/** What the hardware needs to boot a machine. */
export interface MachineOrder {
  instance: Instance;
  /** Public key of the key pair, in OpenSSH's form. */
  publicKey?: string;
  region: string;
  /** Address of the VPC's name server, "10.0.0.2". */
  nameServer: string;
}

/** Hardware that does nothing and always succeeds. */
export const noHardware: Hardware = {
  applyNetwork: async () => {},
  startMachine: async () => {},
  stopMachine: async () => {},
  destroyMachine: async () => {},
  isAlive: () => true,
};
