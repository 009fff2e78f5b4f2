/** Upstream's sites played on loopback, by one server: `http://127.0.0.1:PORT/<host>/<path>`, and a registry at `/v2/`. */
import execa from "execa";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { LINKERD } from "../../../config/versions";
import { packageStanza, releaseFile } from "../../../lab/build/apt-repository";
import { describeImage, digestOf, MEDIA_TYPES } from "../../../lab/build/oci";
import { RegistryStorage } from "../../../lab/build/registry";
import { KUBERNETES_MINOR, TOOL_VERSIONS } from "../../../lab/build/versions";
import { pluginVersion } from "../../../lab/plugins/version";

/** What the played sites hold and what they were asked. */
export interface Site {
  base: string;
  /** Method and path of every request so far. */
  asked: string[];
  /** The folder below which the files lie by host. */
  root: string;
  /** Fingerprint of the key that the packages' repository is signed with. */
  packageKey: string;
  close(): Promise<void>;
}

/** Where the programs of the lab's own build are, which are served as if they were upstream's. */
export interface Programs {
  pulumi: string;
  helm: string;
  registry: string;
}

/** Fills the folder with everything that a build asks for and serves it. */
export async function serveUpstream(root: string, programs: Programs, images: readonly string[]): Promise<Site> {
  await Promise.all([archives(root, programs), plugins(root), charts(root, programs.helm)]);
  const packageKey = await packages(root);
  const registry = await startRegistry(join(root, "registry"), programs.registry, images);
  const asked: string[] = [];
  const server = createServer((incoming, response) => {
    asked.push(`${incoming.method} ${incoming.url}`);
    if (incoming.url?.startsWith("/v2/")) forward(registry.port, incoming, response);
    else sendFile(join(root, decodeURIComponent(incoming.url ?? "")), incoming, response);
  });
  const base = `http://127.0.0.1:${await listen(server)}`;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await registry.stop();
  };
  return { base, asked, root, packageKey, close };
}

async function archives(root: string, { pulumi, helm }: Programs): Promise<void> {
  const [cli, chart] = [TOOL_VERSIONS.pulumi, TOOL_VERSIONS.helm];
  const sdk = "get.pulumi.com/releases/sdk";
  const host = { name: "pulumi/pulumi-language-nodejs", text: "#!/bin/sh\n" };
  await pack(join(root, sdk, `pulumi-v${cli}-linux-x64.tar.gz`), { "pulumi/pulumi": pulumi }, host);
  publishChecksums(join(root, sdk), `pulumi-${cli}-checksums.txt`, "sha256");
  const archive = `helm-v${chart}-linux-amd64.tar.gz`;
  await pack(join(root, "get.helm.sh", archive), { "linux-amd64/helm": helm });
  publishChecksums(join(root, "get.helm.sh"), `${archive}.sha256sum`, "sha256");
}

/** As released: for some plugins SHA-1, with a path before the name. */
async function plugins(root: string): Promise<void> {
  for (const name of ["command", "kubernetes", "random", "tls"]) {
    const version = pluginVersion(name);
    const folder = join(root, `github.com/pulumi/pulumi-${name}/releases/download/v${version}`);
    const executable = { name: `pulumi-resource-${name}`, text: `#!/bin/sh\necho upstream ${name}\n` };
    await pack(join(folder, `pulumi-resource-${name}-v${version}-linux-amd64.tar.gz`), {}, executable);
    publishChecksums(folder, `pulumi-${name}_${version}_checksums.txt`, name === "random" ? "sha1" : "sha256", "./");
  }
}

/** Packs the lab's own charts under upstream's names, each into the repository it would come from. */
async function charts(root: string, helm: string): Promise<void> {
  const sources = join(__dirname, "../../../lab/charts");
  const listed = JSON.parse(readFileSync(join(sources, "charts.json"), "utf8")) as Record<string, string>[];
  const { crds, controlPlane, viz } = LINKERD.stable;
  const stable = [crds, controlPlane, viz].map(({ version }) => version);
  const sites = { prometheus: "prometheus-community.github.io/helm-charts", linkerd: "helm.linkerd.io" };
  for (const { dir = "", name = "", version = "", appVersion = "" } of listed) {
    const line = stable.includes(version) ? "stable" : "edge";
    const folder = join(root, name.startsWith("linkerd") ? `${sites.linkerd}/${line}` : sites.prometheus);
    mkdirSync(folder, { recursive: true });
    const versions = ["--version", version, "--app-version", appVersion];
    await execa(helm, ["package", join(sources, dir), ...versions, "--destination", folder]);
    await execa(helm, ["repo", "index", folder]);
  }
}

/** A signed repository as pkgs.k8s.io's is laid out, with an older and a newer package beside those that are wanted. */
async function packages(root: string): Promise<string> {
  const repository = join(root, `pkgs.k8s.io/core:/stable:/v${KUBERNETES_MINOR}/deb`);
  mkdirSync(join(repository, "amd64"), { recursive: true });
  const kubernetes = ["kubelet", "kubeadm", "kubectl"].flatMap((name) =>
    ["1.35.3-1.1", `${TOOL_VERSIONS.kubernetes}-1.1`, "1.35.40-1.1"].map((version) => ({ name, version })),
  );
  const others = [
    { name: "cri-tools", version: "1.35.9-1.1" },
    { name: "cri-tools", version: "1.35.10-1.1" },
    { name: "kubernetes-cni", version: "1.8.0-1.1" },
  ];
  const stanzas: string[] = [];
  for (const { name, version } of [...kubernetes, ...others]) {
    const file = `amd64/${name}_${version}_amd64.deb`;
    stanzas.push(
      packageStanza(
        await buildDeb(root, name, version, join(repository, file)),
        file,
        readFileSync(join(repository, file)),
      ),
    );
  }
  writeFileSync(join(repository, "Packages"), stanzas.join("\n"));
  const index = { name: "Packages", content: readFileSync(join(repository, "Packages")) };
  writeFileSync(join(repository, "Release"), releaseFile([index], new Date(0)));
  return sign(repository, join(root, "gpg"));
}

async function buildDeb(root: string, name: string, version: string, file: string): Promise<string> {
  const tree = join(root, "deb", `${name}-${version}`);
  const program = join(tree, "usr/bin", name);
  write(program, `#!/bin/sh\necho ${name} ${version}\n`, 0o755);
  const control = `Package: ${name}\nVersion: ${version}\nArchitecture: amd64\nMaintainer: x <x@x.test>\nDescription: ${name}\n`;
  write(join(tree, "DEBIAN/control"), control);
  await execa("dpkg-deb", ["--build", "--root-owner-group", tree, file]);
  return control;
}

async function sign(repository: string, home: string): Promise<string> {
  mkdirSync(home, { mode: 0o700 });
  const gpg = (...args: string[]) => execa("gpg", ["--homedir", home, "--batch", "--yes", "--passphrase", "", ...args]);
  await gpg("--quick-generate-key", "upstream's packages", "ed25519", "sign", "never");
  await gpg("--armor", "--output", join(repository, "Release.key"), "--export");
  await gpg("--clearsign", "--output", join(repository, "InRelease"), join(repository, "Release"));
  const { stdout } = await gpg("--with-colons", "--list-keys");
  await execa("gpgconf", ["--homedir", home, "--kill", "all"]);
  return /^fpr:+([0-9A-F]{40}):/m.exec(stdout)?.[1] ?? "";
}

/** A registry with small images: one layer each, with the programs that the build takes out of some. */
async function startRegistry(folder: string, program: string, images: readonly string[]) {
  const storage = new RegistryStorage(folder);
  const tree = join(folder, "tree");
  for (const path of ["bin/promtool", "usr/bin/fortio"])
    write(join(tree, path), `#!/bin/sh\necho upstream ${path}\n`, 0o755);
  const file = join(folder, "layer.tar.gz");
  await execa("tar", ["--create", "--gzip", "--file", file, "--directory", tree, "."]);
  const content = readFileSync(file);
  const layer = { mediaType: `${MEDIA_TYPES.layer}+gzip`, digest: digestOf(content), size: content.length };
  for (const name of images)
    storage.add(name, describeImage({ entrypoint: [name] }, [layer]), [{ file, descriptor: layer }]);
  const port = await freePort();
  const http = { addr: `127.0.0.1:${port}` };
  const config = { version: "0.1", log: { level: "error" }, storage: { filesystem: { rootdirectory: folder } }, http };
  write(join(folder, "config.yaml"), JSON.stringify(config));
  const registry = execa(program, ["serve", join(folder, "config.yaml")], { stdio: "ignore", reject: false });
  for (
    let attempt = 0;
    attempt < 100 && !(await fetch(`http://127.0.0.1:${port}/v2/`).catch(() => undefined));
    attempt++
  )
    await delay(100);
  return { port, stop: async () => void (registry.kill(), await registry) };
}

async function pack(file: string, files: Record<string, string>, text?: { name: string; text: string }): Promise<void> {
  const tree = `${file}.tree`;
  for (const [path, source] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    copyFileSync(source, join(tree, path));
  }
  if (text) write(join(tree, text.name), text.text, 0o755);
  await execa("tar", [
    "--create",
    "--use-compress-program=gzip -1",
    "--file",
    file,
    "--directory",
    tree,
    ...readdirSync(tree),
  ]);
}

/** Writes the checksums of the archives beside it, as `shasum` does. */
export function publishChecksums(folder: string, list: string, algorithm: string, path = ""): void {
  const rows = readdirSync(folder)
    .filter((name) => name.endsWith(".tar.gz"))
    .map(
      (name) =>
        `${createHash(algorithm)
          .update(readFileSync(join(folder, name)))
          .digest("hex")}  ${path}${name}\n`,
    );
  writeFileSync(join(folder, list), rows.join(""));
}

function write(file: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { mode });
}

function sendFile(file: string, { method }: IncomingMessage, response: ServerResponse): void {
  if (!existsSync(file)) return void response.writeHead(404).end();
  if (method === "HEAD") return void response.writeHead(200).end();
  createReadStream(file).pipe(response);
}

function forward(port: number, { method, url, headers }: IncomingMessage, response: ServerResponse): void {
  request({ host: "127.0.0.1", port, method, path: url, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  }).end();
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}
