import { ensureNamespace, ipBatch, namespaces, removeNamespace } from "./linux/namespace";
import { prepareHost } from "./linux/host";
import { internetNamespace, mirrorAddress, workstationAddress } from "./network/names";

/**
 * Makes the network that plays the internet of a lab, with the workstation's and the mirror's addresses, and sets this
 * machine's own settings as machines need them (`removeLab` sets them back). Does nothing for what is there already.
 */
export async function ensureInternet(lab: string): Promise<void> {
  await prepareHost(lab);
  const namespace = internetNamespace(lab);
  await ensureNamespace(namespace);
  // On the loopback device: not every kernel has dummy devices, and an address on it answers from every cable.
  await ipBatch(namespace, [
    `address replace ${workstationAddress}/32 dev lo`,
    `address replace ${mirrorAddress}/32 dev lo`,
  ]);
}

/** Whether the lab's internet is there. */
export function internetExists(lab: string): boolean {
  return namespaces().includes(internetNamespace(lab));
}

/** Removes the lab's internet. The VPCs' cables to it go too. */
export async function removeInternet(lab: string): Promise<void> {
  await removeNamespace(internetNamespace(lab));
}
