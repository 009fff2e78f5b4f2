/** IPv4 addresses as unsigned 32 bit numbers, and CIDR blocks made of them. */

export interface Cidr {
  /** First address of the block. */
  first: number;
  /** Prefix length, 0 to 32. */
  prefix: number;
}

/** "10.0.1.10" as a number; undefined if the text is no IPv4 address in its usual form. */
export function parseAddress(text: string): number | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    value = value * 256 + Number(part);
  }
  return value;
}

/** The number as dotted text. */
export function formatAddress(value: number): string {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join(".");
}

/** How many addresses a prefix length spans: 24 → 256. */
export function blockSize(prefix: number): number {
  return 2 ** (32 - prefix);
}

/** "10.0.0.0/16" as a block; undefined if it is no CIDR block or has bits set beyond its prefix ("10.0.1.0/16"). */
export function parseCidr(text: string): Cidr | undefined {
  const block = parseLooseCidr(text);
  return block !== undefined && block.first % blockSize(block.prefix) === 0 ? block : undefined;
}

/** The block as EC2 would have it written: "10.0.1.7/16" → "10.0.0.0/16"; undefined if it is no CIDR at all. */
export function canonicalCidr(text: string): string | undefined {
  const block = parseLooseCidr(text);
  if (block === undefined) return undefined;
  return `${formatAddress(block.first - (block.first % blockSize(block.prefix)))}/${block.prefix}`;
}

function parseLooseCidr(text: string): Cidr | undefined {
  const [address, prefix, ...rest] = text.split("/");
  if (address === undefined || prefix === undefined || rest.length > 0) return undefined;
  const first = parseAddress(address);
  if (first === undefined || !/^(0|[1-9]\d?)$/.test(prefix) || Number(prefix) > 32) return undefined;
  return { first, prefix: Number(prefix) };
}

/** True when `inner` lies wholly within `outer`. */
export function containsCidr(outer: Cidr, inner: Cidr): boolean {
  return inner.prefix >= outer.prefix && containsAddress(outer, inner.first);
}

/** True when the address lies in the block. */
export function containsAddress(block: Cidr, address: number): boolean {
  return address >= block.first && address < block.first + blockSize(block.prefix);
}

/** True when the two blocks share an address. */
export function overlaps(a: Cidr, b: Cidr): boolean {
  return containsAddress(a, b.first) || containsAddress(b, a.first);
}

/** The address `index` places after the first of the block, as text. */
export function nthAddress(block: Cidr, index: number): string {
  return formatAddress(block.first + index);
}
