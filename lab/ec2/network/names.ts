/**
 * Names of everything a lab has in this machine's kernel. All carry the lab's name, so that a lab can be removed by
 * its name alone. A lab's name has at most 20 characters, fewer than an EC2 id, so no lab's names can be another's.
 */

/** The namespace that plays the internet. */
export function internetNamespace(lab: string): string {
  return `daybreak-${lab}`;
}

/** The namespace of a VPC's router. */
export function routerNamespace(lab: string, vpcId: string): string {
  return `daybreak-${lab}-${vpcId}`;
}

/** The namespace of a machine. */
export function machineNamespace(lab: string, instanceId: string): string {
  return `daybreak-${lab}-${instanceId}`;
}

/** Whether a namespace belongs to the lab, and what it is. */
export function namespaceKind(lab: string, namespace: string): "internet" | "router" | "machine" | undefined {
  if (namespace === internetNamespace(lab)) return "internet";
  const rest = namespace.startsWith(`daybreak-${lab}-`) ? namespace.slice(`daybreak-${lab}-`.length) : "";
  if (/^vpc-[0-9a-f]{17}$/.test(rest)) return "router";
  return /^i-[0-9a-f]{17}$/.test(rest) ? "machine" : undefined;
}

/** The router's end of a machine's cable. Device names have at most 15 characters. */
export function machineDevice(instanceId: string): string {
  return `i${instanceId.slice("i-".length, "i-".length + 13)}`;
}

/** The internet's end of a VPC's cable. */
export function vpcDevice(vpcId: string): string {
  return `v${vpcId.slice("vpc-".length, "vpc-".length + 13)}`;
}

/** The router's end of the cable to the internet. */
export const internetDevice = "internet";

/** A machine's own interface, named as on EC2's current machines. */
export const machineInterface = "ens5";

/** The router's address on its cable to the internet; link-local, the same for every VPC. */
export const routerLinkAddress = "169.254.100.2";

/** The administrator's workstation on the lab's internet. */
export const workstationAddress = "198.51.100.10";

/** The package, image and chart mirror on the lab's internet. */
export const mirrorAddress = "198.51.100.20";
