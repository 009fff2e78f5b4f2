import execa from "execa";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

import { KUBERNETES_PACKAGES } from "../../config/versions";
import { aptDirectory, APT_REPOSITORY_PATH } from "../../lab/build/apt-repository";
import { allSteps } from "../../lab/build/build";
import { chartsDirectory } from "../../lab/build/charts";
import { runSteps, type GraphResult } from "../../lab/build/graph";
import { registryProgramDirectory } from "../../lab/build/mirror";
import { RegistryStorage } from "../../lab/build/registry";
import { registryDirectory } from "../../lab/build/registry-images";
import { rootfsDirectory } from "../../lab/build/rootfs";
import { KUBERNETES_VERSION, TOOL_VERSIONS } from "../../lab/build/versions";
import { inCache } from "../../lab/cache";
import { installPlugins } from "../../lab/plugins/build";
import { pluginFolder } from "../../lab/plugins/version";
import { decide, remember, rememberedSupply } from "../../lab/upstream/decision";
import { Supply } from "../../lab/upstream/supply";
import { publishChecksums, serveUpstream, type Programs, type Site } from "./upstream/site";

/** What the tests' machine has for a kernel decides nothing here. */
jest.mock("../../lab/kernel", () => ({ kernelMayHave: jest.fn(() => true) }));

/** Makes the machine images of real systems, which upstream has no part in. */
const NOT_HERE = ["baked-machine-image", "base-machine-image"];

/** Plays Go: writes down what it is asked to build, and gives for Helm the real one, for the rest a program that does nothing. */
const GO = `#!/bin/sh
[ "$1" = build ] || exit 0
echo "$@" >> "$GO_LOG"
while [ "$1" != -o ]; do shift; done
target=$2; shift 2
case $target in
*/) for package; do cp /bin/true "$target$(basename "$package")"; done ;;
*helm) cp "$REAL_HELM" "$target" ;;
*) cp /bin/true "$target" ;;
esac
`;

const before = { ...process.env };
let folder: string;
let site: Site;
let programs: Programs;

beforeAll(async () => {
  const program = (name: string): string => realpathSync(inCache("bin", name));
  const registry = join(registryProgramDirectory(), "usr/bin/docker-registry");
  programs = { pulumi: program("pulumi"), helm: program("helm"), registry };
  folder = mkdtempSync(join(tmpdir(), "daybreak-upstream-"));
  const images = new Supply({}).ownImages().map(({ name }) => name);
  site = await serveUpstream(join(folder, "site"), programs, images);
}, 120_000);

afterAll(async () => {
  process.env = { ...before };
  await site.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A cache with nothing in it but what does not come from upstream. */
function freshCache(name: string): void {
  const registry = registryProgramDirectory();
  process.env.DAYBREAK_CACHE = join(folder, name);
  process.env.DAYBREAK_UPSTREAM = "auto";
  process.env.DAYBREAK_UPSTREAM_URLS = site.base;
  mkdirSync(inCache("tools"), { recursive: true });
  symlinkSync(registry, registryProgramDirectory());
  for (const part of ["rootfs", "debs"]) mkdirSync(join(rootfsDirectory(), part), { recursive: true });
  const bin = join(folder, name, "go");
  mkdirSync(bin);
  writeFileSync(join(bin, "go"), GO, { mode: 0o755 });
  const log = join(folder, name, "go.log");
  writeFileSync(log, "");
  const path = [bin, before.PATH].join(delimiter);
  Object.assign(process.env, { PATH: path, GO_LOG: log, REAL_HELM: programs.helm });
}

afterEach(() => {
  process.env = { ...before };
});

function goWasAsked(): string {
  return readFileSync(process.env.GO_LOG ?? "", "utf8");
}

/** Makes of a supply what can be made without a root file system. */
function make(supply: Supply, without: string[] = []): Promise<GraphResult> {
  const steps = allSteps(supply).filter(({ name }) => ![...NOT_HERE, ...without].includes(name));
  return runSteps(steps, () => {});
}

function said(program: string, ...args: string[]): Promise<string> {
  return execa(inCache("bin", program), args, { env: { PULUMI_SKIP_UPDATE_CHECK: "true" } }).then(
    ({ stdout }) => stdout,
  );
}

describe("with all of upstream within reach", () => {
  let supply: Supply;
  let result: GraphResult;

  beforeAll(async () => {
    jest.replaceProperty(
      KUBERNETES_PACKAGES,
      "keyFingerprint",
      site.packageKey as typeof KUBERNETES_PACKAGES.keyFingerprint,
    );
    freshCache("whole");
    supply = await decide();
    result = await make(supply);
    remember(supply);
  }, 120_000);

  afterAll(() => jest.restoreAllMocks());

  beforeEach(() => {
    process.env.DAYBREAK_CACHE = join(folder, "whole");
    process.env.DAYBREAK_UPSTREAM_URLS = site.base;
    process.env.DAYBREAK_UPSTREAM = "auto";
  });

  test("nothing is built", () => {
    expect(supply.reasons()).toEqual({});
    expect(readFileSync(join(folder, "whole", "go.log"), "utf8")).toBe("");
    // What copies images is Debian's, and may have to be installed first.
    const fetched = (name: string) => name.startsWith("upstream-") || name === "host-packages";
    const made = result.built.filter((name) => !fetched(name)).sort();
    expect(made).toEqual(["apt-repository", "charts", "registry"]);
  });

  test("its programs are those on the lab's PATH", async () => {
    expect(await said("pulumi", "version")).toBe(`v${TOOL_VERSIONS.pulumi}`);
    expect(await said("helm", "version", "--short")).toContain(`v${TOOL_VERSIONS.helm}`);
    expect(await said("kubectl")).toBe(`kubectl ${KUBERNETES_VERSION}-1.1`);
    expect(await said("promtool")).toBe("upstream bin/promtool");
    expect(await said("fortio")).toBe("upstream usr/bin/fortio");
    for (const name of readdirSync(inCache("bin")))
      expect(realpathSync(inCache("bin", name))).toContain(realpathSync(inCache("upstream")));
  });

  test("the nodes' repository has the pinned packages, and the newest of the others", () => {
    const debs = readdirSync(join(aptDirectory(), APT_REPOSITORY_PATH)).filter((file) => file.endsWith(".deb"));
    const version = `${KUBERNETES_VERSION}-1.1`;
    const pinned = ["kubeadm", "kubectl", "kubelet"].map((name) => `${name}_${version}_amd64.deb`);
    expect(debs).toEqual(["cri-tools_1.35.10-1.1_amd64.deb", ...pinned, "kubernetes-cni_1.8.0-1.1_amd64.deb"]);
  });

  test("the registry holds every image, with the layers as they were", () => {
    const storage = new RegistryStorage(registryDirectory());
    for (const { name } of supply.ownImages()) {
      const manifest = JSON.parse(readFileSync(storage.blob(storage.manifestDigest(name)), "utf8")) as {
        layers: { digest: string; mediaType: string }[];
      };
      expect(manifest.layers).toHaveLength(1);
      expect(manifest.layers[0]?.mediaType).toContain("gzip");
      expect(existsSync(storage.blob(manifest.layers[0]?.digest ?? ""))).toBe(true);
    }
  });

  test("the chart repository holds upstream's charts", () => {
    const served = ["prometheus-community.github.io/helm-charts", "helm.linkerd.io/edge", "helm.linkerd.io/stable"];
    const charts = served.flatMap((path) => readdirSync(join(site.root, path)).filter((name) => name.endsWith(".tgz")));
    expect(readdirSync(chartsDirectory()).filter((name) => name.endsWith(".tgz"))).toEqual(charts.sort());
  });

  test("a lab gets Pulumi's own plugins, and its own aws", async () => {
    const home = join(folder, "pulumi-home");
    await installPlugins(home, (name) => supply.plugin(name));
    for (const name of ["command", "kubernetes", "random", "tls"]) {
      const executable = join(home, "plugins", pluginFolder(name), `pulumi-resource-${name}`);
      expect((await execa(executable)).stdout).toBe(`upstream ${name}`);
    }
    const aws = join(home, "plugins", pluginFolder("aws"), "pulumi-resource-aws");
    expect(realpathSync(aws)).toContain(inCache("plugins"));
  }, 60_000);

  test("no file was fetched twice, and the next build asks nobody", () => {
    const fetched = site.asked.filter((row) => /^GET .*(\.tar\.gz|\.deb|\.tgz)$/.test(row));
    expect(fetched.length).toBeGreaterThan(15);
    expect(new Set(fetched).size).toBe(fetched.length);
    const blobs = site.asked.filter((row) => /^GET .*\/blobs\//.test(row));
    const sharedLayer = new Set(blobs.map((row) => row.replace(/.*\//, "")));
    expect(sharedLayer.size).toBeLessThanOrEqual(supply.ownImages().length + 1);
    const asked = site.asked.length;
    const known = rememberedSupply();
    expect(known?.reasons()).toEqual({});
    const steps = known ? allSteps(known).filter(({ name }) => !NOT_HERE.includes(name)) : [];
    expect(steps.filter((step) => !step.done()).map(({ name }) => name)).toEqual([]);
    expect(site.asked).toHaveLength(asked);
  });
});

describe("what cannot be had is made here, and nothing else", () => {
  test("an archive with another checksum, a key that is not Kubernetes', an image that is missing", async () => {
    freshCache("partly");
    const helm = join(site.root, "get.helm.sh");
    appendFileSync(join(helm, `helm-v${TOOL_VERSIONS.helm}-linux-amd64.tar.gz`), "changed");
    const linkerd = join(site.root, "registry/docker/registry/v2/repositories/cr.l5d.io/linkerd/proxy");
    rmSync(join(linkerd, "_manifests/tags/edge-26.8.3"), { recursive: true });
    try {
      const supply = await decide();
      expect(supply.reasons()).toEqual({});
      const result = await make(supply, ["registry", "apt-repository"]);
      const refused = supply.reasons();
      expect(Object.keys(refused).sort()).toEqual(
        [supply.helm, supply.packages, supply.ownerOf("cr.l5d.io/linkerd/proxy:edge-26.8.3")]
          .map(({ name }) => name)
          .sort(),
      );
      expect(refused[supply.helm.name]).toMatch(/^helm-\S+ has the sha256 checksum \w+, published is \w+$/);
      expect(refused[supply.packages.name]).toMatch(/^the repository is signed by the key .*, not DE15B144/);
      expect(Object.values(refused).join()).toMatch(
        /cr\.l5d\.io\/linkerd\/proxy:edge-\S+ could not be copied: .*unknown/,
      );
      const built = result.built.filter((name) => !name.startsWith("upstream-")).sort();
      expect(built).toEqual(["charts", "cni", "helm", "kubernetes", "stand-ins"]);
      expect(goWasAsked().trim().split("\n").length).toBeGreaterThanOrEqual(4);
      expect(supply.builtRecipes().map(({ name }) => name)).toEqual(
        supply.ownImages().flatMap(({ name }) => (/^cr\.l5d\.io.*:edge-/.test(name) ? [name] : [])),
      );
    } finally {
      publishChecksums(helm, `helm-v${TOOL_VERSIONS.helm}-linux-amd64.tar.gz.sha256sum`, "sha256");
    }
  }, 120_000);
});
