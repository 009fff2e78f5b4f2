/** Availability zones of the regions that daybreak knows; zone letters as a usual account sees them. */

interface Region {
  letters: string;
  /** Prefix of the zone ids, which name the same place in every account. */
  zoneIdPrefix: string;
}

const regions: Readonly<Record<string, Region>> = {
  "ap-northeast-1": { letters: "acd", zoneIdPrefix: "apne1" },
  "ap-northeast-2": { letters: "abcd", zoneIdPrefix: "apne2" },
  "ap-northeast-3": { letters: "abc", zoneIdPrefix: "apne3" },
  "ap-south-1": { letters: "abc", zoneIdPrefix: "aps1" },
  "ap-southeast-1": { letters: "abc", zoneIdPrefix: "apse1" },
  "ap-southeast-2": { letters: "abc", zoneIdPrefix: "apse2" },
  "ca-central-1": { letters: "abd", zoneIdPrefix: "cac1" },
  "eu-central-1": { letters: "abc", zoneIdPrefix: "euc1" },
  "eu-north-1": { letters: "abc", zoneIdPrefix: "eun1" },
  "eu-west-1": { letters: "abc", zoneIdPrefix: "euw1" },
  "eu-west-2": { letters: "abc", zoneIdPrefix: "euw2" },
  "eu-west-3": { letters: "abc", zoneIdPrefix: "euw3" },
  "sa-east-1": { letters: "abc", zoneIdPrefix: "sae1" },
  "us-east-1": { letters: "abcdef", zoneIdPrefix: "use1" },
  "us-east-2": { letters: "abc", zoneIdPrefix: "use2" },
  "us-west-1": { letters: "ac", zoneIdPrefix: "usw1" },
  "us-west-2": { letters: "abcd", zoneIdPrefix: "usw2" },
};

export interface Zone {
  name: string;
  id: string;
}

/** True for a region that the lab can play. */
export function isRegion(name: string): boolean {
  return name in regions;
}

/** The regions that the lab can play. */
export function regionNames(): string[] {
  return Object.keys(regions);
}

/** The available zones of a region, in the order of their letters; empty for an unknown region. */
export function zonesOf(region: string): Zone[] {
  const known = regions[region];
  if (known === undefined) return [];
  return [...known.letters].map((letter, index) => ({
    name: `${region}${letter}`,
    id: `${known.zoneIdPrefix}-az${index + 1}`,
  }));
}

/** The region of a zone: "ap-northeast-2a" → "ap-northeast-2". */
export function regionOfZone(zone: string): string {
  return zone.replace(/[a-z]$/, "");
}
