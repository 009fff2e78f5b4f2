import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import * as pins from "../../../config/versions";
import { packageStanza, releaseFile } from "../../../lab/build/apt-repository";
import { parseSources, sourceLines } from "../../../lab/build/debian";
import { servedFile } from "../../../lab/build/file-server";
import { isOlderGo, requiredGo } from "../../../lab/build/go-build";
import { runSteps, type Step } from "../../../lab/build/graph";
import { exportLayout } from "../../../lab/build/image-layout";
import { IMAGES } from "../../../lab/build/images";
import { machineImageId } from "../../../lab/build/machine-images";
import { registryConfig } from "../../../lab/build/mirror";
import { describeImage, digestOf, MEDIA_TYPES, parseReference } from "../../../lab/build/oci";
import { controlFile, NODE_DEBIAN_PACKAGES, packageFile } from "../../../lab/build/packages";
import { RegistryStorage } from "../../../lab/build/registry";
import { lastLines } from "../../../lab/build/run";
import { standInImages, standInRecipe } from "../../../lab/build/stand-ins";
import { goBuildArguments, GO_TOOLS } from "../../../lab/build/tools";
import { TOOL_VERSIONS } from "../../../lab/build/versions";
import { ownCache } from "../cache-folder";

const folder = ownCache();

describe("Go tools", () => {
  const goMod = (module: string): string =>
    readFileSync(join(__dirname, "../../../lab/build/go", module, "go.mod"), "utf8");

  test.each(GO_TOOLS.map((tool) => [tool.name, tool] as const))("%s is pinned in its wrapper module", (_, tool) => {
    const text = goMod(tool.module);
    const own = tool.commands.filter((command) => command.package === ".");
    // Prometheus numbers its module 0.3xx for 3.xx; programs of our own have no module to pin.
    const version = tool.name === "prometheus" ? "0.313.1" : tool.version;
    if (own.length === 0) expect(text).toMatch(new RegExp(` v${version.replaceAll(".", "\\.")}(\n| )`));
  });

  test("Kubernetes' staging modules all have the version that belongs to it", () => {
    const staging = TOOL_VERSIONS.kubernetes.replace(/^1\./, "0.");
    const replaced = [...goMod("kubernetes").matchAll(/^\t(k8s\.io\/\S+) => \1 v(\S+)$/gm)];
    expect(replaced.length).toBeGreaterThan(25);
    expect(new Set(replaced.map(([, , version]) => version))).toEqual(new Set([staging]));
  });

  test("the oldest Go that will do is the newest that a wrapper module asks for", () => {
    const asked = new Set(GO_TOOLS.map(({ module }) => /^go (\S+)$/m.exec(goMod(module))?.[1] ?? "none"));
    expect(asked).toContain(requiredGo());
    for (const version of asked) expect(isOlderGo(requiredGo(), version)).toBe(false);
    expect(isOlderGo("1.9.7", "1.10")).toBe(true);
    expect(isOlderGo("1.26.4", "1.26.4")).toBe(false);
    expect(isOlderGo("1.26.10", "1.26.4")).toBe(false);
    expect(isOlderGo("1.26", "1.26.4")).toBe(true);
  });

  test("versions are set at link time, everything is stripped", () => {
    const pulumi = GO_TOOLS.find(({ name }) => name === "pulumi");
    if (!pulumi) throw new Error("no pulumi");
    const args = goBuildArguments(pulumi, pulumi.commands, "/out/pulumi");
    expect(args[args.indexOf("-ldflags") + 1]).toBe(
      `-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${TOOL_VERSIONS.pulumi}`,
    );
    expect(args.slice(-3)).toEqual(["-o", "/out/pulumi", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"]);
  });
});

describe("Debian", () => {
  const TARGETS = [
    "Packages|Debian|http://mirror.test/debian/|bookworm|main",
    "Components-amd64|Debian|http://mirror.test/debian/|bookworm|main",
    "Packages|Debian|http://mirror.test/debian/|bookworm|main",
    "Packages|Debian|http://mirror.test/security/|bookworm-security|main",
    "Packages|Some Vendor|http://vendor.test/|stable|main",
  ].join("\n");

  test("machine images are made of the distribution's own sources only", () => {
    expect(sourceLines(parseSources(TARGETS))).toBe(
      "deb http://mirror.test/debian/ bookworm main\ndeb http://mirror.test/security/ bookworm-security main\n",
    );
  });

  test("packages have the names and versions that the node scripts ask for", () => {
    const files = NODE_DEBIAN_PACKAGES.map(packageFile);
    expect(files).toContain(`kubelet_${pins.DEFAULT_KUBERNETES_VERSION}-1.1_amd64.deb`);
    expect(files).toContain(`kubeadm_${pins.DEFAULT_KUBERNETES_VERSION}-1.1_amd64.deb`);
  });

  test("a control file names what must be installed first", () => {
    const [kubelet] = NODE_DEBIAN_PACKAGES;
    if (!kubelet) throw new Error("no kubelet");
    const control = controlFile(kubelet, 1024);
    expect(control).toMatch(/^Package: kubelet\n/);
    expect(control).toContain("Depends: conntrack, ");
    expect(control).toContain("Installed-Size: 1024\n");
  });

  test("the repository's lists hold sizes and hashes", () => {
    const content = Buffer.from("deb");
    const hash = digestOf(content).replace("sha256:", "");
    expect(packageStanza("Package: a\nVersion: 1\n\n", "./a.deb", content)).toBe(
      `Package: a\nVersion: 1\nFilename: ./a.deb\nSize: 3\nSHA256: ${hash}\n`,
    );
    const release = releaseFile([{ name: "Packages", content }], new Date(0));
    expect(release).toContain("Date: Thu, 01 Jan 1970 00:00:00 GMT\n");
    expect(release).toContain(`SHA256:\n ${hash} 3 Packages\n`);
  });
});

describe("images", () => {
  test("the mirror has every image that the programs name", () => {
    const stocked = [...IMAGES, ...standInImages().map(standInRecipe)].map(({ name }) => name);
    const named = Object.values(pins.images).flatMap((image) =>
      typeof image === "string" ? [image] : Object.values(image),
    );
    for (const image of [...pins.kubernetesImages(pins.DEFAULT_KUBERNETES_VERSION), ...named])
      expect(stocked).toContain(image);
    expect(new Set(stocked).size).toBe(stocked.length);
  });

  test("every stand-in says so on its image", () => {
    for (const recipe of standInImages().map(standInRecipe))
      expect(recipe.labels).toMatchObject({ "io.daybreak.stand-in": "true" });
  });

  test("names are taken apart, incomplete ones refused", () => {
    expect(parseReference("registry.k8s.io/coredns/coredns:v1.13.1")).toEqual({
      host: "registry.k8s.io",
      repository: "coredns/coredns",
      tag: "v1.13.1",
    });
    expect(() => parseReference("busybox:1")).toThrow("lacks its registry");
    expect(() => parseReference("docker.io/library/busybox")).toThrow("tag");
  });

  test("a registry's storage gives back what was put in", () => {
    const layer = join(folder(), "layer.tar");
    writeFileSync(layer, "layer");
    const descriptor = { mediaType: MEDIA_TYPES.layer, digest: digestOf("layer"), size: 5 };
    const image = describeImage({ entrypoint: ["/a"], labels: { "io.daybreak.stand-in": "true" } }, [descriptor]);
    const storage = new RegistryStorage(join(folder(), "registry"));
    storage.add("quay.io/a/b:v1", image, [{ file: layer, descriptor }]);
    const manifest = JSON.parse(readFileSync(storage.blob(storage.manifestDigest("quay.io/a/b:v1")), "utf8")) as {
      layers: unknown;
      annotations: unknown;
    };
    expect(manifest.layers).toEqual([descriptor]);
    expect(manifest.annotations).toEqual({ "io.daybreak.stand-in": "true" });
    const link = "docker/registry/v2/repositories/quay.io/a/b/_manifests/tags/v1/current/link";
    expect(readFileSync(join(folder(), "registry", link), "utf8")).toBe(digestOf(image.manifest));

    exportLayout(storage, ["quay.io/a/b:v1"], join(folder(), "layout"));
    const index = readFileSync(join(folder(), "layout/index.json"), "utf8");
    expect(index).toContain('"io.containerd.image.name":"quay.io/a/b:v1"');
    expect(existsSync(join(folder(), "layout/blobs/sha256", descriptor.digest.replace("sha256:", "")))).toBe(true);
  });
});

test("machine images have ids in EC2's form, by content", () => {
  expect(machineImageId("a")).toMatch(/^ami-[0-9a-f]{17}$/);
  expect(machineImageId("a")).not.toBe(machineImageId("b"));
});

describe("mirror", () => {
  test("the registry can only be read", () => {
    expect(JSON.parse(registryConfig())).toMatchObject({
      storage: { maintenance: { readonly: { enabled: true } } },
      http: { addr: "198.51.100.20:5000" },
    });
  });

  test("only packages and charts are served", () => {
    mkdirSync(join(folder(), "apt/core:/stable:/v1.35/deb"), { recursive: true });
    mkdirSync(join(folder(), "registry"));
    writeFileSync(join(folder(), "apt/core:/stable:/v1.35/deb/Release"), "r");
    writeFileSync(join(folder(), "apt/.key"), "k");
    writeFileSync(join(folder(), "registry/secret"), "s");
    expect(servedFile(folder(), "/apt/core:/stable:/v1.35/deb/Release")?.stats.size).toBe(1);
    expect(servedFile(folder(), "/apt/core%3a/stable%3a/v1.35/deb/./Release")?.stats.size).toBe(1);
    for (const url of [
      "/registry/secret",
      "/apt/../registry/secret",
      "/apt/%2e%2e/registry/secret",
      "/apt/.key",
      "/apt/",
      "/%",
    ])
      expect(servedFile(folder(), url)).toBeUndefined();
  });
});

describe("steps", () => {
  const step = (name: string, needs: string[], more: Partial<Step> = {}): Step => ({
    name,
    needs,
    done: () => false,
    run: async () => undefined,
    ...more,
  });

  test("run after what they need; what is in the cache is only linked", async () => {
    const order: string[] = [];
    const run = (name: string) => async () => void order.push(name);
    const result = await runSteps(
      [
        step("c", ["a", "b"], { run: run("c") }),
        step("a", [], { run: run("a") }),
        step("b", ["a"], { done: () => true, always: () => void order.push("b is linked") }),
      ],
      jest.fn(),
    );
    expect(order).toEqual(["a", "b is linked", "c"]);
    expect(result.built).toEqual(["a", "c"]);
  });

  test("no more than two heavy ones run at once", async () => {
    let running = 0;
    let most = 0;
    const run = async (): Promise<void> => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 5));
      running--;
    };
    await runSteps(
      ["a", "b", "c", "d"].map((name) => step(name, [], { heavy: true, run })),
      jest.fn(),
    );
    expect(most).toBe(2);
  });

  test("of those that take turns one runs at a time, and one of another kind beside it", async () => {
    const running = new Set<string>();
    const seen = new Set<string>();
    const taking = (name: string, turn: string) =>
      step(name, [], {
        heavy: true,
        turn,
        run: async () => {
          running.add(name);
          await new Promise((resolve) => setTimeout(resolve, 5));
          seen.add([...running].sort().join(" "));
          running.delete(name);
        },
      });
    await runSteps([taking("a", "x"), taking("b", "x"), taking("c", "y")], jest.fn());
    expect(seen).toContain("a c");
    expect([...seen].filter((together) => together.includes("a") && together.includes("b"))).toEqual([]);
  });

  test("a failed command shows its step, its log and the log's end", async () => {
    const report = jest.fn();
    const failing = step("packages", [], {
      run: async (log) => void (await log.run("sh", ["-c", "echo the reason >&2; exit 3"])),
    });
    const failure = runSteps([failing, step("later", ["packages"])], report);
    await expect(failure).rejects.toThrow(/"packages" failed: sh ended with code 3[^]*packages\.log:[^]*the reason/);
    expect(report).not.toHaveBeenCalledWith("later", expect.anything(), expect.anything());
  });

  test("steps that wait for one another are refused", async () => {
    await expect(runSteps([step("a", ["b"]), step("b", ["a"])], jest.fn())).rejects.toThrow(
      "wait for one another: a, b",
    );
  });

  test("a log's end leaves out empty lines", () => {
    expect(lastLines("a\n\nb\nc\n\n", 2)).toBe("b\nc");
  });
});
