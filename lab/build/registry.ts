import { existsSync, linkSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { digestOf, parseReference, type Descriptor, type Image } from "./oci";

/** A layer as a file. */
export interface LayerFile {
  file: string;
  descriptor: Descriptor;
}

/**
 * Writes images into the file storage of docker-registry (distribution 2.x), without a registry that runs.
 *
 * Repositories are named `<upstream host>/<repository>`, which is where the nodes' mirror settings look.
 */
export class RegistryStorage {
  private readonly root: string;

  /** @param directory what the registry's configuration calls `rootdirectory`. */
  constructor(directory: string) {
    this.root = join(directory, "docker", "registry", "v2");
  }

  /** Adds an image under its full upstream name. */
  add(name: string, image: Image, layers: readonly LayerFile[]): void {
    const { host, repository, tag } = parseReference(name);
    const folder = join(this.root, "repositories", host, repository);
    for (const { file, descriptor } of layers) {
      this.writeBlob(descriptor.digest, (target) => linkSync(file, target));
      writeLink(join(folder, "_layers"), descriptor.digest);
    }
    const manifest = digestOf(image.manifest);
    this.writeBlob(manifest, (target) => writeFileSync(target, image.manifest));
    this.writeBlob(digestOf(image.config), (target) => writeFileSync(target, image.config));
    writeLink(join(folder, "_layers"), digestOf(image.config));
    const manifests = join(folder, "_manifests");
    writeLink(join(manifests, "revisions"), manifest);
    writeLink(join(manifests, "tags", tag, "index"), manifest);
    writeText(join(manifests, "tags", tag, "current", "link"), manifest);
  }

  /** The digest of an image's manifest. */
  manifestDigest(name: string): string {
    const { host, repository, tag } = parseReference(name);
    return readFileSync(
      join(this.root, "repositories", host, repository, "_manifests", "tags", tag, "current", "link"),
      "utf8",
    );
  }

  private writeBlob(digest: string, write: (target: string) => void): void {
    const target = this.blob(digest);
    if (existsSync(target)) return;
    mkdirSync(dirname(target), { recursive: true });
    write(target);
  }

  /** The file that holds a blob. */
  blob(digest: string): string {
    const hex = digest.replace("sha256:", "");
    return join(this.root, "blobs", "sha256", hex.slice(0, 2), hex, "data");
  }
}

function writeLink(folder: string, digest: string): void {
  writeText(join(folder, "sha256", digest.replace("sha256:", ""), "link"), digest);
}

function writeText(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
