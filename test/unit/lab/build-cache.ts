import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { cacheDir, hashOf, hashOfPath, makeDirectory, withCacheLock } from "../../../lab/cache";
import { ownCache } from "../cache-folder";

const folder = ownCache();

test("DAYBREAK_CACHE names the cache folder", () => {
  expect(cacheDir()).toBe(folder());
});

describe("makeDirectory", () => {
  test("a failed attempt leaves neither the directory nor its beginnings", async () => {
    const target = join(folder(), "tools", "thing");
    const attempt = makeDirectory(target, async (directory) => {
      writeFileSync(join(directory, "half"), "");
      throw new Error("no more");
    });
    await expect(attempt).rejects.toThrow("no more");
    expect(readdirSync(join(folder(), "tools"))).toEqual([]);
  });

  test("replaces what is there and removes what a killed attempt left", async () => {
    const target = join(folder(), "thing");
    mkdirSync(`${target}.unfinished-1`);
    await makeDirectory(target, async (directory) => writeFileSync(join(directory, "version"), "1"));
    await makeDirectory(target, async (directory) => writeFileSync(join(directory, "version"), "2"));
    expect(readFileSync(join(target, "version"), "utf8")).toBe("2");
    expect(readdirSync(folder())).toEqual(["thing"]);
  });
});

describe("hashes", () => {
  test("a folder's hash depends on names and contents", () => {
    const tree = join(folder(), "tree");
    mkdirSync(join(tree, "a"), { recursive: true });
    writeFileSync(join(tree, "a", "b"), "1");
    const first = hashOfPath(tree);
    expect(hashOfPath(tree)).toBe(first);
    writeFileSync(join(tree, "a", "b"), "2");
    expect(hashOfPath(tree)).not.toBe(first);
  });

  test("values are told apart", () => {
    expect(hashOf("ab", "c")).not.toBe(hashOf("a", "bc"));
    expect(hashOf({ a: 1 })).toMatch(/^[0-9a-f]{16}$/);
  });
});

describe("withCacheLock", () => {
  test("builds take turns", async () => {
    const order: string[] = [];
    const waited = jest.fn();
    const first = withCacheLock(async () => {
      order.push("first begins");
      await new Promise((resolve) => setTimeout(resolve, 50));
      order.push("first ends");
    }, waited);
    const second = withCacheLock(async () => void order.push("second"), waited);
    await Promise.all([first, second]);
    expect(order).toEqual(["first begins", "first ends", "second"]);
    expect(waited).toHaveBeenCalledWith(process.pid);
  });

  test("a dead builder's lock is taken over", async () => {
    writeFileSync(join(folder(), "lock"), "999999999");
    await withCacheLock(async () => undefined, jest.fn());
    expect(existsSync(join(folder(), "lock"))).toBe(false);
  });
});
