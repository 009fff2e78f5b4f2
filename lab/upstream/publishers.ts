import { writeFileSync } from "node:fs";
import { basename, join } from "node:path";

import { hashOf, inCache } from "../cache";
import { parseReference } from "../build/oci";
import { kernelMayHave } from "../kernel";
import { copyImages, haveImages, registrySites, takeProgram } from "./images";
import { part, type Part } from "./part";
import { IMAGE_FEATURES, IMAGE_PROGRAMS } from "./products";

/** The images of one publisher, which belong together: Bookinfo's services, Kubernetes' own, flannel and its plugin. */
export interface Publisher {
  part: Part;
  images: readonly string[];
}

/** The part of each publisher of some images: `registry.k8s.io`, `ghcr.io/flannel-io`, `docker.io/istio`, … */
export function publishers(images: readonly string[]): Publisher[] {
  const groups = new Map<string, string[]>();
  for (const image of images) {
    const name = publisherOf(image);
    groups.set(name, [...(groups.get(name) ?? []), image]);
  }
  return [...groups].map(([name, group]) => ({ part: publisherPart(name, group), images: group }));
}

function publisherOf(image: string): string {
  const { host, repository } = parseReference(image);
  const [first = "", ...rest] = repository.split("/");
  return rest.length === 0 ? host : `${host}/${first}`;
}

function missingFeature(images: readonly string[]): string | undefined {
  const wanted = Object.entries(IMAGE_FEATURES).filter(([beginning]) =>
    images.some((name) => name.startsWith(beginning)),
  );
  const feature = wanted.map(([, name]) => name).find((name) => !kernelMayHave(name));
  return feature && `it needs CONFIG_${feature}, which this machine's kernel was built without`;
}

function publisherPart(name: string, images: readonly string[]): Part {
  const key = `images-${name.replaceAll(/[^a-z0-9.]/g, "-")}-${hashOf(images)}`;
  const programs = Object.entries(IMAGE_PROGRAMS).flatMap(([beginning, path]) =>
    images.filter((image) => image.startsWith(beginning)).map((image) => ({ image, path })),
  );
  return part({
    name: `images of ${name}`,
    sites: registrySites(images),
    key,
    programs: programs.map(({ path }) => basename(path)),
    unfit: () => missingFeature(images),
    complete: () => haveImages(inCache("upstream", key), images),
    fill: async (directory, log) => {
      await copyImages(images, directory, log);
      for (const { image, path } of programs) await takeProgram(directory, image, path, log);
      writeFileSync(join(directory, "images.json"), JSON.stringify(images));
    },
  });
}
