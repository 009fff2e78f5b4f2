import { block, overlap, subBlock, toAddress } from "./cidr";

/** Ports of the node services that the outside may reach: Bookinfo's page and Grafana. */
export const NODE_PORTS = { bookinfo: 30080, grafana: 30300 } as const;

/** All addresses of the cluster, known before anything exists. */
export interface NetworkPlan {
  /** One public subnet in each of two zones: the control plane's and the workers'. */
  subnetCidrs: readonly [controlPlane: string, workers: string];
  controlPlaneAddress: string;
  workerAddresses: readonly string[];
}

/** Prefix and numbers of the two subnets: /24 in a large VPC, a quarter of a small one, never smaller than AWS's /28. */
function subnetLayout(vpcPrefix: number): { prefix: number; indexes: [number, number] } {
  const prefix = Math.max(24, Math.min(28, vpcPrefix + 2));
  return { prefix, indexes: prefix - vpcPrefix >= 2 ? [1, 2] : [0, 1] };
}

/**
 * Fixes every address: with the default VPC the control plane is 10.0.1.10 and the workers are 10.0.2.10 and up.
 * Needs a VPC of /16 to /27 and at most 10 workers; AWS keeps the first four addresses and the last of each subnet.
 */
export function planNetwork({ vpcCidr, workerCount }: { vpcCidr: string; workerCount: number }): NetworkPlan {
  const vpc = block(vpcCidr);
  const { prefix, indexes } = subnetLayout(vpc.prefix);
  const [controlPlane, workers] = indexes.map((index) => subBlock(vpc, prefix, index));
  if (!controlPlane || !workers) throw new RangeError(`${vpcCidr} has no room for two subnets`);
  const offset = prefix === 28 ? 4 : 10;
  return {
    subnetCidrs: [controlPlane.cidr, workers.cidr],
    controlPlaneAddress: toAddress(controlPlane.first + offset),
    workerAddresses: Array.from({ length: workerCount }, (_, index) => toAddress(workers.first + offset + index)),
  };
}

/** Keys whose networks must not share an address. */
export type NetworkKey = "vpcCidr" | "podCidr" | "serviceCidr";

/** Every pair of the given networks that overlaps; a network that is undefined (refused already) is left out. */
export function overlaps(networks: Partial<Record<NetworkKey, string>>): [NetworkKey, NetworkKey][] {
  const known = (["vpcCidr", "podCidr", "serviceCidr"] as const).flatMap((key) => {
    const cidr = networks[key];
    return cidr === undefined ? [] : [{ key, block: block(cidr) }];
  });
  return known.flatMap((second, index) =>
    known
      .slice(0, index)
      .filter((first) => overlap(first.block, second.block))
      .map((first): [NetworkKey, NetworkKey] => [first.key, second.key]),
  );
}
