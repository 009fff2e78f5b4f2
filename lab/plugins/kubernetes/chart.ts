/** Charts: fetched once in the life of the process, with their name and version. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse, stringify } from "yaml";
import { textAt } from "./object";
import { type Helm, withHelm } from "./helm";

/** What decides which chart it is; the properties are the Release's. */
export interface ChartSource {
  chart: string;
  version?: string;
  devel?: boolean;
  verify?: boolean;
  keyring?: string;
  dependencyUpdate?: boolean;
  repositoryOpts?: {
    repo?: string;
    caFile?: string;
    certFile?: string;
    keyFile?: string;
    username?: string;
    password?: string;
  };
}

/** A chart that is at hand. */
export interface Chart {
  /** Directory or archive on this machine, or the archive itself. */
  content: string | Buffer;
  name: string;
  version: string;
  appVersion: string;
}

const fetched = new Map<string, Promise<Chart>>();

/** The chart, from its repository, registry or directory; throws with helm's words when it can't be had. */
export function fetchChart(source: ChartSource): Promise<Chart> {
  const { chart, version, devel, verify, keyring, dependencyUpdate, repositoryOpts } = source;
  const key = JSON.stringify({ chart, version, devel, verify, keyring, dependencyUpdate, repositoryOpts });
  const known = fetched.get(key);
  if (known) return known;
  const fresh = withHelm(undefined, (helm) => fetch(helm, source));
  fetched.set(key, fresh);
  // The next check asks again.
  fresh.catch(() => fetched.delete(key));
  return fresh;
}

/** Path of the chart for one operation of helm. */
export function chartPath(helm: Helm, { content }: Chart): string {
  return typeof content === "string" ? content : helm.file(content, ".tgz");
}

async function fetch(helm: Helm, source: ChartSource): Promise<Chart> {
  const path = isLocal(source) ? await localChart(helm, source) : await pull(helm, source);
  const content = isLocal(source) ? path : readFileSync(path);
  const metadata: unknown = parse(await helm.run(["show", "chart", path]));
  const name = textAt(metadata, "name");
  if (textAt(metadata, "type") === "library") throw new Error(`${name} is a library chart: it can't be installed`);
  return { content, name, version: textAt(metadata, "version"), appVersion: textAt(metadata, "appVersion") };
}

function isLocal({ chart, repositoryOpts }: ChartSource): boolean {
  return !repositoryOpts?.repo && existsSync(resolve(chart));
}

async function localChart(helm: Helm, { chart, dependencyUpdate }: ChartSource): Promise<string> {
  if (dependencyUpdate) await helm.run(["dependency", "update", resolve(chart)]);
  return resolve(chart);
}

async function pull(helm: Helm, source: ChartSource): Promise<string> {
  const target = helm.directory;
  const args = ["pull", ...(await address(helm, source)), "--destination", target];
  if (source.version) args.push("--version", source.version);
  else if (source.devel) args.push("--devel");
  if (source.verify) args.push("--verify");
  if (source.verify && source.keyring) args.push("--keyring", source.keyring);
  await helm.run(args);
  const [archive] = readdirSync(target).filter((name) => name.endsWith(".tgz"));
  if (!archive) throw new Error(`helm pull left no archive of ${source.chart}`);
  return join(target, archive);
}

/** Arguments that say where the chart is. A password goes to helm by a private file or its input, never by argument. */
async function address(helm: Helm, { chart, repositoryOpts = {} }: ChartSource): Promise<string[]> {
  const { repo, caFile, certFile, keyFile, username, password } = repositoryOpts;
  const files = { "--ca-file": caFile, "--cert-file": certFile, "--key-file": keyFile };
  const tls = Object.entries(files).flatMap(([flag, path]) => (path ? [flag, path] : []));
  const registry = [repo, chart].find((text) => text?.startsWith("oci://"));
  if (registry) {
    if (username) {
      const host = new URL(registry).host;
      await helm.run(["registry", "login", host, "--username", username, "--password-stdin", ...tls], {
        input: password ?? "",
      });
    }
    return [repo && !chart.startsWith("oci://") ? `${repo.replace(/\/$/, "")}/${chart}` : chart, ...tls];
  }
  if (!repo) return [chart, ...tls];
  if (!username) return [chart, "--repo", repo, ...tls];
  addRepository(helm, { name: "private", url: repo, username, password, caFile, certFile, keyFile });
  await helm.run(["repo", "update", "private"]);
  return [`private/${chart}`];
}

function addRepository(helm: Helm, repository: Record<string, string | undefined>): void {
  const path = helm.file(stringify({ apiVersion: "", repositories: [repository] }));
  helm.repositories = path;
}
