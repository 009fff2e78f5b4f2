import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { IMAGES } from "../../lab/build/images";
import { isWanted, standInsWanted } from "../../lab/build/demand";
import { imageKeys, registryHasImages, registryKey } from "../../lab/build/registry-images";
import { standInImages, standInRecipe } from "../../lab/build/stand-ins";
import { GO_TOOLS } from "../../lab/build/tools";
import { EXTRA_NAMES, EXTRAS, extrasNamed, extrasTurnedOn } from "../../lab/extras";
import { kernelMayHave } from "../../lab/kernel";
import { standIns } from "../../lab/stand-ins";
import { decide, remember, rememberedSupply, UpstreamUnreachable } from "../../lab/upstream/decision";
import { checksumIn, download } from "../../lab/upstream/download";
import { registrySites } from "../../lab/upstream/images";
import { parseList } from "../../lab/upstream/kubernetes-packages";
import { imagesIn } from "../../lab/upstream/manifests";
import { CHART_PRODUCTS, productOf } from "../../lab/upstream/products";
import { upstreamMode, upstreamUrl } from "../../lab/upstream/settings";
import { describeSupply } from "../../lab/upstream/summary";
import { Supply } from "../../lab/upstream/supply";

/** What the tests' machine has for a kernel decides nothing here. */
jest.mock("../../lab/kernel", () => ({ kernelMayHave: jest.fn(() => true) }));

const before = { ...process.env };
/** A port that no system hands out by itself. */
const NOBODY = "http://127.0.0.1:1023";
/** What answers does so in a moment, but on a machine that builds beside the tests that moment may be long: 30 s. */
const decidePatiently = (extras?: typeof EXTRA_NAMES) => decide(extras, 30_000);
let folder: string;
let server: Server | undefined;

/** Serves on loopback what `answer` says; nothing answers where it returns nothing. Returns the address, what was asked, and how much of it at once. */
async function serve(
  answer: (path: string) => string | number | undefined,
): Promise<{ base: string; asked: string[]; mostAtOnce: () => number }> {
  const asked: string[] = [];
  let open = 0;
  let most = 0;
  server = createServer((request, response) => {
    most = Math.max(most, ++open);
    response.once("close", () => open--);
    asked.push(`${request.method} ${request.url}`);
    const found = answer(request.url ?? "");
    if (typeof found === "number") response.writeHead(found).end();
    else if (found !== undefined) response.end(found);
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  return { base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, mostAtOnce: () => most };
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "daybreak-upstream-"));
  process.env.DAYBREAK_CACHE = folder;
  process.env.DAYBREAK_UPSTREAM = "auto";
  // Nothing listens there, so that no test can leave this machine.
  process.env.DAYBREAK_UPSTREAM_URLS = NOBODY;
});

afterEach(() => {
  process.env = { ...before };
  rmSync(folder, { recursive: true, force: true });
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

describe("settings", () => {
  test("an unknown mode is refused, none is auto", () => {
    process.env.DAYBREAK_UPSTREAM = "sometimes";
    expect(upstreamMode).toThrow("auto, never, always");
    delete process.env.DAYBREAK_UPSTREAM;
    expect(upstreamMode()).toBe("auto");
  });

  test("mirrors replace the beginning of an address, the longest first, or hold all others by host", () => {
    process.env.DAYBREAK_UPSTREAM_URLS =
      "https://a.test=http://m.test/a, https://a.test/charts=http://m.test/charts/,http://all.test/";
    expect(upstreamUrl("https://a.test/x")).toBe("http://m.test/a/x");
    expect(upstreamUrl("https://a.test/charts/index.yaml")).toBe("http://m.test/charts/index.yaml");
    expect(upstreamUrl("https://a.test.example/x")).toBe("http://all.test/a.test.example/x");
    process.env.DAYBREAK_UPSTREAM_URLS = "https://a.test=m";
    expect(() => upstreamUrl("https://a.test/x")).toThrow("neither an address");
    delete process.env.DAYBREAK_UPSTREAM_URLS;
    expect(upstreamUrl("https://a.test/x")).toBe("https://a.test/x");
  });

  test("a registry is asked where its images are copied from", () => {
    const images = ["docker.io/istio/examples-bookinfo-details-v1:1.18.0", "registry.k8s.io/pause:3.10.1"];
    expect(registrySites(images)).toEqual([`${NOBODY}/v2/`]);
    delete process.env.DAYBREAK_UPSTREAM_URLS;
    expect(registrySites(images)).toEqual(["https://registry-1.docker.io/v2/", "https://registry.k8s.io/v2/"]);
  });
});

describe("decision", () => {
  test("never asks nobody", async () => {
    const { base, asked } = await serve(() => "");
    process.env.DAYBREAK_UPSTREAM_URLS = base;
    process.env.DAYBREAK_UPSTREAM = "never";
    const supply = await decidePatiently();
    expect(supply.parts().filter((part) => supply.upstream(part))).toEqual([]);
    expect(describeSupply(supply)).toEqual(["nothing of it is used: DAYBREAK_UPSTREAM is never"]);
    expect(asked).toEqual([]);
  });

  test("upstream that is not there is known in a moment, and everything is built", async () => {
    const supply = await decidePatiently();
    const extras = IMAGES.filter(({ extra }) => extra !== undefined).map(({ programs }) => JSON.stringify(programs));
    const onlyInExtras = GO_TOOLS.filter((tool) => !isWanted(tool, supply));
    for (const { name } of onlyInExtras) expect(extras.join()).toContain(`"tool":"${name}"`);
    const everything = await decidePatiently(EXTRA_NAMES);
    expect(GO_TOOLS.filter((tool) => !isWanted(tool, everything))).toEqual([]);
    expect(describeSupply(supply)).toEqual(["nothing of it is used: 127.0.0.1:1023 cannot be reached (ECONNREFUSED)"]);
  });

  test("upstream that says nothing is waited for once, all sites together", async () => {
    const { base, mostAtOnce } = await serve(() => undefined);
    process.env.DAYBREAK_UPSTREAM_URLS = base;
    const supply = await decide([], 1000);
    expect(mostAtOnce()).toBeGreaterThan(5);
    expect(Object.keys(supply.reasons())).toHaveLength(supply.parts().length);
    expect(Object.values(supply.reasons())[0]).toMatch(/does not answer in time/);
  });

  test("one site that is missing keeps its own part from upstream, no other", async () => {
    const { base } = await serve((path) => (path.startsWith("/get.helm.sh/") ? 404 : ""));
    process.env.DAYBREAK_UPSTREAM_URLS = base;
    const supply = await decidePatiently();
    expect(Object.keys(supply.reasons())).toEqual([supply.helm.name]);
    expect(GO_TOOLS.filter((tool) => isWanted(tool, supply)).map(({ name }) => name)).toEqual(["helm"]);
    expect(standInsWanted(supply)).toBe(false);
    expect(describeSupply(supply)[1]).toMatch(/^made here instead: Helm \S+ \(.*get\.helm\.sh.* answers 404\)$/);
  });

  test("always lists what cannot be reached", async () => {
    const { base } = await serve((path) => (path.startsWith("/helm.linkerd.io/stable/") ? 503 : ""));
    process.env.DAYBREAK_UPSTREAM_URLS = base;
    process.env.DAYBREAK_UPSTREAM = "always";
    const error = await decidePatiently().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UpstreamUnreachable);
    expect((error as Error).message.match(/✘.*/g)).toEqual([
      expect.stringMatching(/^✘ Linkerd stable-.* answers 503$/),
    ]);
  });

  test("an image that this machine's kernel does not suit is the lab's, and no reason to fail", async () => {
    const { base } = await serve(() => "");
    process.env.DAYBREAK_UPSTREAM_URLS = base;
    process.env.DAYBREAK_UPSTREAM = "always";
    jest.mocked(kernelMayHave).mockImplementation((feature) => feature !== "NFT_QUEUE");
    const supply = await decidePatiently();
    jest.mocked(kernelMayHave).mockImplementation(() => true);
    expect(GO_TOOLS.filter((tool) => isWanted(tool, supply)).map(({ name }) => name)).toEqual([
      "kube-network-policies",
    ]);
    expect(describeSupply(supply)[1]).toMatch(
      /^made here instead: images of registry.k8s.io\/networking \(it needs CONFIG_NFT_QUEUE/,
    );
  });

  test("is remembered, but for other mirrors, and not as enough for always", async () => {
    expect(rememberedSupply()).toBeUndefined();
    const supply = await decidePatiently();
    remember(supply);
    expect(rememberedSupply()?.reasons()).toEqual(supply.reasons());
    process.env.DAYBREAK_UPSTREAM = "always";
    expect(rememberedSupply()).toBeUndefined();
    process.env.DAYBREAK_UPSTREAM = "auto";
    process.env.DAYBREAK_UPSTREAM_URLS = "http://127.0.0.1:1022";
    expect(rememberedSupply()).toBeUndefined();
  });
});

describe("what is built and what stands in", () => {
  const all = new Supply({});

  test("nothing is built when all of it is upstream's, and only machines and aws stand in", () => {
    expect(all.builtRecipes()).toEqual([]);
    expect(GO_TOOLS.filter((tool) => isWanted(tool, all))).toEqual([]);
    expect(standIns(all)).toEqual([
      expect.stringMatching(/^machines: /),
      "Pulumi's plugins: aws (for the resource types that the stacks use)",
    ]);
  });

  test("every image of the lab's own belongs to a part, and Linkerd's to that of its channel", () => {
    const names = [...IMAGES, ...standInImages().map(({ image }) => ({ name: image }))].map(({ name }) => name);
    const everything = new Supply({}, EXTRA_NAMES);
    for (const name of names) expect(everything.parts()).toContain(everything.ownerOf(name));
    const linkerd = standInImages().filter(({ standInFor }) => standInFor === "Linkerd");
    for (const { image } of linkerd) expect(image).toContain(productOf(image)?.name.replace("Linkerd ", ""));
  });

  test("charts and images of a product are never mixed", () => {
    const linkerd = all.ownerOf("cr.l5d.io/linkerd/proxy:edge-26.8.3");
    const supply = new Supply({ [linkerd.name]: "a test" });
    expect(supply.builtRecipes().map(({ name }) => productOf(name)?.name)).toEqual(
      supply.builtRecipes().map(() => "Linkerd edge-26.8.3"),
    );
    const edge = CHART_PRODUCTS.find(({ name }) => name.includes("edge"));
    for (const { pin } of edge?.charts ?? []) expect(supply.ownChart(pin.chart, pin.version)).toBe(true);
    const stable = CHART_PRODUCTS.find(({ name }) => name.includes("stable"));
    for (const { pin } of stable?.charts ?? []) expect(supply.ownChart(pin.chart, pin.version)).toBe(false);
    expect(standIns(supply)).toContain("programs: Linkerd");
  });
});

describe("extras", () => {
  const built = (extras: readonly (keyof typeof EXTRAS)[]) => Supply.ownOnly("a test", extras);
  const ofExtras = [...IMAGES, ...standInImages().map(standInRecipe)].filter(({ extra }) => extra !== undefined);

  test("are named one by one, or all at once", () => {
    expect(extrasNamed()).toEqual([]);
    expect(extrasNamed(true)).toEqual(EXTRA_NAMES);
    expect(extrasNamed("autoscaling")).toEqual(["autoscaling"]);
    expect(() => extrasNamed("autoscaling,autopilot")).toThrow(/no extra autopilot\..* autoscaling/);
  });

  test("are read from the configuration of the lab's workloads, where none is on", () => {
    expect(extrasTurnedOn()).toEqual([]);
    const config = (lines: string) => `config:\n  daybreak:layer: k8s\n${lines}`;
    expect(extrasTurnedOn(config("  daybreak:autoscaling: false\n"))).toEqual([]);
    expect(extrasTurnedOn(config('  daybreak:autoscaling: "true"\n'))).toEqual(["autoscaling"]);
    expect(extrasTurnedOn(config("  daybreak:autoscaling:\n    maximum: 2\n"))).toEqual(["autoscaling"]);
  });

  test("each has images, which no other lab knows of, builds or downloads", () => {
    expect(new Set(ofExtras.flatMap(({ extra }) => extra))).toEqual(new Set(EXTRA_NAMES));
    const plain = built([]);
    for (const { name } of ofExtras) expect(() => plain.ownerOf(name)).toThrow("no part");
    expect(plain.builtRecipes()).toEqual(expect.not.arrayContaining(ofExtras));
    expect(built(EXTRA_NAMES).builtRecipes()).toEqual(expect.arrayContaining(ofExtras));
  });

  test("do not change what other labs boot from", () => {
    const [plain, all] = [built([]), built(EXTRA_NAMES)];
    expect(registryKey("rootfs", all)).not.toBe(registryKey("rootfs", plain));
    expect(registryKey("rootfs", all.withoutExtras())).toBe(registryKey("rootfs", plain));
  });

  test("a mirror with them serves a lab without them, not the other way round", () => {
    const store = (supply: Supply) => {
      mkdirSync(join(folder, "mirror", "registry"), { recursive: true });
      writeFileSync(join(folder, "mirror", "registry", "images.json"), JSON.stringify(imageKeys("rootfs", supply)));
    };
    expect(registryHasImages("rootfs", built([]))).toBe(false);
    store(built(EXTRA_NAMES));
    expect(registryHasImages("rootfs", built([]))).toBe(true);
    expect(registryHasImages("rootfs", built(EXTRA_NAMES))).toBe(true);
    store(built([]));
    expect(registryHasImages("rootfs", built(EXTRA_NAMES))).toBe(false);
    expect(registryHasImages("another", built([]))).toBe(false);
  });

  test("an answer of upstream's for labs with them is kept apart", async () => {
    remember(await decidePatiently());
    remember(await decidePatiently(EXTRA_NAMES));
    expect(rememberedSupply()?.extras).toEqual([]);
    expect(rememberedSupply(EXTRA_NAMES)?.extras).toEqual(EXTRA_NAMES);
  });
});

describe("downloads", () => {
  const HELLO = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

  test("a file is kept if it has the published checksum, of whatever kind", async () => {
    const { base } = await serve(() => "hello");
    process.env.DAYBREAK_UPSTREAM_URLS = base;
    for (const checksum of [HELLO, "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"]) {
      const file = join(folder, checksum);
      await download("https://a.test/hello", file, checksum);
      expect(readFileSync(file, "utf8")).toBe("hello");
    }
  });

  test("one that has another is refused and leaves nothing", async () => {
    const { base } = await serve(() => "hellO");
    process.env.DAYBREAK_UPSTREAM_URLS = base;
    const attempt = download("https://a.test/hello", join(folder, "hello"), HELLO);
    await expect(attempt).rejects.toThrow(`hello has the sha256 checksum`);
    expect(() => readFileSync(join(folder, "hello"))).toThrow("ENOENT");
  });

  test("checksums are found in both forms of lists", () => {
    const sha1 = "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d";
    const list = `${sha1}  ./a.tar.gz\n${HELLO} *b.tar.gz\n`;
    expect(checksumIn(list, "a.tar.gz")).toBe(sha1);
    expect(checksumIn(list, "b.tar.gz")).toBe(HELLO);
    expect(() => checksumIn("<html>sign in</html>", "a.tar.gz")).toThrow("do not name a.tar.gz");
  });

  test("packages are read from a repository's list", () => {
    const stanza = (architecture: string): string =>
      `Package: kubelet\nVersion: 1.35.4-1.1\nArchitecture: ${architecture}\nDescription: Node\n more\nFilename: ${architecture}/k.deb\nSHA256: ${HELLO}\n`;
    expect(parseList(`${stanza("amd64")}\n${stanza("arm64")}`)).toEqual([
      { name: "kubelet", version: "1.35.4-1.1", file: "amd64/k.deb", sha256: HELLO },
    ]);
  });
});

describe("images of rendered charts", () => {
  test("pods', Prometheus' own and the operator's, with what short names leave out", () => {
    const manifests = [
      "spec: { template: { spec: { initContainers: [{ image: 'cr.l5d.io/linkerd/proxy-init:v2.4.3' }] } } }",
      "kind: Prometheus\nspec: { image: 'quay.io/prometheus/prometheus:v3.13.1' }",
      "args: ['--prometheus-config-reloader=quay.io/prometheus-operator/prometheus-config-reloader:v0.93.1']",
      "containers: [{ image: 'grafana/grafana' }, { image: 'busybox:1' }, { image: '' }]\nimage: { tag: x }",
    ].join("\n---\n");
    expect(imagesIn(manifests)).toEqual([
      "cr.l5d.io/linkerd/proxy-init:v2.4.3",
      "docker.io/grafana/grafana:latest",
      "docker.io/library/busybox:1",
      "quay.io/prometheus-operator/prometheus-config-reloader:v0.93.1",
      "quay.io/prometheus/prometheus:v3.13.1",
    ]);
  });

  test("one that is named by its digest is refused, as the mirror's copy has another", () => {
    expect(() => imagesIn("image: 'quay.io/a/b:v1@sha256:00'")).toThrow("named by its digest");
  });
});
