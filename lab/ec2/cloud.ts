import { noHardware, type Hardware } from "./hardware";
import { imageIds, readLabDescription, type LabDescription } from "./lab-description";
import { LinuxHardware } from "./linux/hardware";
import {
  changeInstanceType,
  changeUserData,
  checkInstanceType,
  findInstance,
  forgetInstance,
  markRunning,
  markStopped,
  runInstance,
  type InstanceRequest,
} from "./model/instance";
import type { Ec2State, Instance } from "./model/state";
import { findVpc, nameServerOf } from "./model/vpc";
import { regionOfZone } from "./model/zones";
import { changeState, readState } from "./store";

/** EC2 as it is in one lab: the model, kept in a file, and the hardware that follows it. Any number of processes. */
export class Cloud {
  constructor(
    readonly lab: LabDescription,
    private readonly hardware: Hardware,
  ) {}

  /** Everything that exists, as of now. */
  read(): Ec2State {
    return readState(this.lab.dir);
  }

  /** Changes the model; the network follows before this returns. An Ec2Error means that nothing was changed. */
  async change<T>(change: (state: Ec2State) => T): Promise<T> {
    return changeState(this.lab.dir, change, (state) => this.hardware.applyNetwork(state));
  }

  /** Launches a machine and returns when it runs, which is before it answers. A failed launch leaves nothing. */
  async launch(request: InstanceRequest, signal?: AbortSignal): Promise<Instance> {
    const images = imageIds(this.lab);
    const { id } = await this.change((state) => runInstance(state, images, request));
    try {
      await this.power(id, signal);
    } catch (error) {
      await this.terminate(id);
      throw error;
    }
    return findInstance(this.read(), id);
  }

  private async power(id: string, signal?: AbortSignal): Promise<void> {
    const state = this.read();
    const instance = findInstance(state, id);
    const publicKey = state.keyPairs[instance.keyName ?? ""]?.publicKey;
    await this.hardware.startMachine(
      {
        instance,
        region: regionOfZone(state.subnets[instance.subnetId]?.zone ?? ""),
        nameServer: nameServerOf(findVpc(state, instance.vpcId).cidr),
        ...(publicKey === undefined ? {} : { publicKey }),
      },
      signal,
    );
    await this.change((now) => markRunning(now, id));
  }

  /** Ends a machine and removes it with its disk; nothing happens if there is none. */
  async terminate(id: string): Promise<void> {
    await this.change((state) => {
      const instance = state.instances[id];
      if (instance !== undefined) instance.state = "shutting-down";
    });
    await this.hardware.destroyMachine(id);
    await this.change((state) => forgetInstance(state, id));
  }

  /** Shuts a machine down; it keeps its disk and its private address. */
  async stop(id: string): Promise<void> {
    await this.change((state) => (findInstance(state, id).state = "stopping"));
    await this.hardware.stopMachine(id);
    await this.change((state) => markStopped(state, id));
  }

  /** Boots a stopped machine. */
  async start(id: string, signal?: AbortSignal): Promise<void> {
    await this.change((state) => (findInstance(state, id).state = "pending"));
    await this.power(id, signal);
  }

  /** Stops a machine, changes its type and user data, and starts it again. */
  async resize(id: string, type: string, userData: string | undefined, signal?: AbortSignal): Promise<void> {
    checkInstanceType(type);
    await this.stop(id);
    await this.change((state) => {
      changeInstanceType(state, id, type);
      changeUserData(state, id, userData);
    });
    await this.start(id, signal);
  }

  /** Whether a running machine's processes are there; one that died by itself is "stopped" for EC2. */
  isAlive(id: string): boolean {
    return this.hardware.isAlive(id);
  }
}

/**
 * Opens the cloud of the lab in that directory. The environment's `DAYBREAK_LAB_HARDWARE=none` leaves out machines and
 * networks.
 */
export function openCloud(labDir: string, env: NodeJS.ProcessEnv = process.env): Cloud {
  const lab = readLabDescription(labDir);
  return new Cloud(lab, env.DAYBREAK_LAB_HARDWARE === "none" ? noHardware : new LinuxHardware(lab));
}
