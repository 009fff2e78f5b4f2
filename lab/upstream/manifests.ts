import { parseAllDocuments } from "yaml";

/** The one image that Prometheus' operator is told on its command line and puts into the pods it makes. */
const RELOADER = /^--prometheus-config-reloader=(.+)$/;

/**
 * The full names of the images that rendered manifests will run: what any field `image` holds, in pods as well as in
 * Prometheus' own kinds, and what the operator is told to add.
 *
 * @throws for an image that is named by its digest: the mirror's copy has another one.
 */
export function imagesIn(manifests: string): string[] {
  const found = new Set<string>();
  for (const document of parseAllDocuments(manifests)) collect(document.toJS(), found);
  const names = [...found].map(fullName);
  const fixed = names.find((name) => name.includes("@"));
  if (fixed !== undefined) throw new Error(`the image ${fixed} is named by its digest`);
  return names.sort();
}

function collect(value: unknown, found: Set<string>): void {
  if (typeof value === "string") {
    const reloader = RELOADER.exec(value)?.[1];
    if (reloader !== undefined) found.add(reloader);
  } else if (typeof value === "object" && value !== null) {
    const { image } = value as { image?: unknown };
    if (typeof image === "string" && image !== "") found.add(image);
    for (const child of Object.values(value)) collect(child, found);
  }
}

/** Docker's rules for what a short name leaves out. */
function fullName(image: string): string {
  const [first = "", ...rest] = image.split("/");
  const hosted = rest.length > 0 && (first.includes(".") || first.includes(":"));
  const named = hosted ? image : `docker.io/${rest.length === 0 ? "library/" : ""}${image}`;
  return /:[^/]+$/.test(named) ? named : `${named}:latest`;
}
