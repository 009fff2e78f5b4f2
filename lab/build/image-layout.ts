import { existsSync, linkSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { MEDIA_TYPES, type Descriptor } from "./oci";
import type { RegistryStorage } from "./registry";

/** The annotation by which containerd names an image that it imports. */
const NAME_ANNOTATION = "io.containerd.image.name";

/** Writes images of a registry's storage as one OCI image layout; blobs are shared by hard links. */
export function exportLayout(storage: RegistryStorage, names: readonly string[], directory: string): void {
  const blobs = join(directory, "blobs", "sha256");
  mkdirSync(blobs, { recursive: true });
  const manifests = names.map((name) => {
    const digest = storage.manifestDigest(name);
    const content = readFileSync(storage.blob(digest));
    const { config, layers } = JSON.parse(content.toString()) as { config: Descriptor; layers: Descriptor[] };
    for (const blob of [digest, config.digest, ...layers.map((layer) => layer.digest)])
      linkBlob(storage.blob(blob), join(blobs, blob.replace("sha256:", "")));
    return { mediaType: MEDIA_TYPES.manifest, digest, size: content.length, annotations: { [NAME_ANNOTATION]: name } };
  });
  writeFileSync(join(directory, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  writeFileSync(join(directory, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
}

function linkBlob(from: string, to: string): void {
  if (!existsSync(to)) linkSync(from, to);
}
