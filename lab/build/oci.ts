import { createHash } from "node:crypto";

/** Media types of the OCI image specification. Layers are not compressed: they never leave this machine. */
export const MEDIA_TYPES = {
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
} as const;

/** A blob as a manifest names it. */
export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
}

/** How a container of the image starts. */
export interface ImageSettings {
  entrypoint: readonly string[];
  command?: readonly string[];
  /** User and group as numbers; default root. */
  user?: string;
  workingDirectory?: string;
  labels?: Readonly<Record<string, string>>;
}

/** What a registry holds of an image beside its layers. */
export interface Image {
  config: Buffer;
  manifest: Buffer;
}

/** A fixed date, so that the same content gives the same digest in every build. */
const CREATED = "1970-01-01T00:00:00Z";

const PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The digest of some content. */
export function digestOf(content: Buffer | string): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}

/** Writes an image's configuration and manifest; without compression a layer's digest is also its diff id. */
export function describeImage(settings: ImageSettings, layers: readonly Descriptor[]): Image {
  const { entrypoint, command, user, workingDirectory, labels } = settings;
  const config = Buffer.from(
    JSON.stringify({
      created: CREATED,
      architecture: "amd64",
      os: "linux",
      config: {
        Env: [PATH],
        Entrypoint: entrypoint,
        ...(command ? { Cmd: command } : {}),
        ...(user ? { User: user } : {}),
        ...(workingDirectory ? { WorkingDir: workingDirectory } : {}),
        ...(labels ? { Labels: labels } : {}),
      },
      rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
    }),
  );
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.manifest,
      config: { mediaType: MEDIA_TYPES.config, digest: digestOf(config), size: config.length },
      layers,
      ...(labels ? { annotations: labels } : {}),
    }),
  );
  return { config, manifest };
}

/** An image's name apart: registry host, repository and tag. */
export interface Reference {
  host: string;
  repository: string;
  tag: string;
}

/**
 * Takes a full image name apart, such as `registry.k8s.io/coredns/coredns:v1.13.1`.
 *
 * @throws if host or tag is missing: nothing may be left to a container runtime's defaults.
 */
export function parseReference(image: string): Reference {
  const match = /^([^/]+\.[^/]+)\/(.+):([^:/]+)$/.exec(image);
  if (!match) throw new Error(`the image name ${image} lacks its registry or its tag`);
  const [, host = "", repository = "", tag = ""] = match;
  return { host, repository, tag };
}
