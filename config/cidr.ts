import ipaddr from "ipaddr.js";

/** An IPv4 block as numbers, for comparing and for carving subnets. */
export interface Block {
  cidr: string;
  prefix: number;
  /** First address, as an unsigned 32-bit number. */
  first: number;
  /** Number of addresses. */
  size: number;
}

const toNumber = (address: ipaddr.IPv4): number => address.octets.reduce((sum, octet) => sum * 256 + octet, 0);

/** Dotted form of an address given as a number. */
export function toAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}

/** What is wrong with a text as an IPv4 network in CIDR notation; undefined when nothing is. */
export function cidrFault(text: string): string | undefined {
  if (text.includes(":")) return "IPv6 is not used by this VPC";
  const [address = "", prefix = ""] = text.split("/");
  if (!ipaddr.IPv4.isValidFourPartDecimal(address) || !/^\d{1,2}$/.test(prefix) || Number(prefix) > 32)
    return "not an IPv4 network in CIDR notation";
  const network = ipaddr.IPv4.networkAddressFromCIDR(text).toString();
  if (network !== address) return `${address} is not the network address of a /${prefix}; ${network}/${prefix} is`;
  return undefined;
}

/** Reads a block that {@link cidrFault} has nothing against. */
export function block(cidr: string): Block {
  const [address, prefix] = ipaddr.IPv4.parseCIDR(cidr);
  return { cidr, prefix, first: toNumber(address), size: 2 ** (32 - prefix) };
}

/** Whether two blocks share an address. */
export function overlap(a: Block, b: Block): boolean {
  return a.first < b.first + b.size && b.first < a.first + a.size;
}

/** Whether the whole block lies in the ranges kept for private networks (RFC 1918, RFC 6598). */
export function isPrivate(cidr: string): boolean {
  return ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"].some((range) => {
    const [outer, inner] = [block(range), block(cidr)];
    return inner.first >= outer.first && inner.first + inner.size <= outer.first + outer.size;
  });
}

/** The n-th block of the given prefix length inside another block. */
export function subBlock(outer: Block, prefix: number, index: number): Block {
  const size = 2 ** (32 - prefix);
  const first = outer.first + index * size;
  if (prefix < outer.prefix || first + size > outer.first + outer.size)
    throw new RangeError(`${outer.cidr} has no block number ${index} of length /${prefix}`);
  return { cidr: `${toAddress(first)}/${prefix}`, prefix, first, size };
}
