import {
  chmodSync,
  chownSync,
  copyFileSync,
  createReadStream,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";

import { hashOf, inCache, makeDirectory } from "../cache";
import { MEDIA_TYPES, type Descriptor } from "./oci";
import type { LayerFile } from "./registry";
import type { StepLog } from "./run";

/** What a layer of programs holds. */
export interface ProgramLayer {
  /** Files of this machine by their path in the image. */
  programs: Readonly<Record<string, string>>;
  /** Folders by path, with the user that owns them; default root. */
  folders?: Readonly<Record<string, number>>;
}

/** Users that images name by number, in a file that programs look them up in. */
export const PASSWD = "root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n";
export const GROUP = "root:x:0:\nnobody:x:65534:\n";
/** Makes Go's and glibc's resolvers read /etc/hosts before they ask the cluster's name server. */
export const NSSWITCH = "hosts: files dns\n";

/** The layer of a few static programs; below it there is nothing else. */
export function programLayer(layer: ProgramLayer, log: StepLog): Promise<LayerFile> {
  return cachedLayer(hashOf(layer, PASSWD, GROUP, NSSWITCH), log, async (tree) => {
    writeAccounts(tree);
    placePrograms(tree, layer);
  });
}

/** The layer of programs above the small Debian system. */
export function addedLayer(layer: ProgramLayer, log: StepLog): Promise<LayerFile> {
  return cachedLayer(hashOf(layer, "added"), log, async (tree) => placePrograms(tree, layer));
}

/** Writes the files that make users and names known in an image. */
export function writeAccounts(tree: string): void {
  mkdirSync(join(tree, "etc"), { recursive: true });
  mkdirSync(join(tree, "tmp"), { recursive: true });
  chmodSync(join(tree, "tmp"), 0o1777);
  writeFileSync(join(tree, "etc/passwd"), PASSWD);
  writeFileSync(join(tree, "etc/group"), GROUP);
  writeFileSync(join(tree, "etc/nsswitch.conf"), NSSWITCH);
}

function placePrograms(tree: string, { programs, folders = {} }: ProgramLayer): void {
  for (const [path, source] of Object.entries(programs)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    copyFileSync(source, join(tree, path));
    chmodSync(join(tree, path), 0o755);
  }
  for (const [path, user] of Object.entries(folders)) {
    mkdirSync(join(tree, path), { recursive: true });
    chownSync(join(tree, path), user, user);
  }
}

/** Makes a layer's archive of the tree that `fill` writes, or finds the one made earlier under the same key. */
export async function cachedLayer(
  key: string,
  log: StepLog,
  fill: (tree: string) => Promise<void>,
): Promise<LayerFile> {
  const directory = inCache("layers", key);
  if (!existsSync(join(directory, "descriptor.json"))) {
    await makeDirectory(directory, async (unfinished) => {
      const tree = join(unfinished, "tree");
      mkdirSync(tree);
      await fill(tree);
      await archive(tree, join(unfinished, "layer.tar"), log);
      const descriptor = await describeLayer(join(unfinished, "layer.tar"));
      writeFileSync(join(unfinished, "descriptor.json"), JSON.stringify(descriptor));
      await log.run("rm", ["-r", tree]);
    });
  }
  const descriptor = JSON.parse(readFileSync(join(directory, "descriptor.json"), "utf8")) as Descriptor;
  return { file: join(directory, "layer.tar"), descriptor };
}

/** The same tree gives the same archive: sorted, without dates. */
async function archive(tree: string, file: string, log: StepLog): Promise<void> {
  const same = ["--sort=name", "--mtime=@0", "--numeric-owner", "--format=posix"];
  const plain = "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime";
  await log.run("tar", ["--create", "--file", file, ...same, plain, "--directory", tree, "."]);
}

async function describeLayer(file: string): Promise<Descriptor> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  return { mediaType: MEDIA_TYPES.layer, digest: `sha256:${hash.digest("hex")}`, size: statSync(file).size };
}
