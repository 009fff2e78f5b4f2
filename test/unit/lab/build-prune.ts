import { mkdirSync, readdirSync, utimesSync } from "node:fs";
import { join } from "node:path";

import { prune } from "../../../lab/build/prune";
import { ownCache } from "../cache-folder";

const HOUR = 3600;

const cache = ownCache();

/** An entry of the cache that was made so many hours ago. */
function entry(folder: string, name: string, hours: number): string {
  const path = join(cache(), folder, name);
  mkdirSync(path, { recursive: true });
  const seconds = Date.now() / 1000 - hours * HOUR;
  utimesSync(path, seconds, seconds);
  return path;
}

test("what nothing refers to goes after three days", () => {
  entry("tools", "helm-old", 73);
  entry("tools", "helm-yesterday", 24);
  prune([entry("tools", "etcd", 1000)]);
  expect(readdirSync(join(cache(), "tools")).sort()).toEqual(["etcd", "helm-yesterday"]);
});

test("of a day's machine images those in use and the two latest others stay", () => {
  for (const hours of [1, 2, 3, 4]) entry("machine-images", `ami-${hours}`, hours);
  prune([entry("machine-images", "ami-base", 50)]);
  expect(readdirSync(join(cache(), "machine-images")).sort()).toEqual(["ami-1", "ami-2", "ami-base"]);
});

test("what a killed build left goes at once", () => {
  entry("machine-images", "ami-1.unfinished-999999999", 0);
  prune([]);
  expect(readdirSync(join(cache(), "machine-images"))).toEqual([]);
});
