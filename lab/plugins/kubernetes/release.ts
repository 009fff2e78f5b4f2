/** `kubernetes:helm.sh/v3:Release`: a chart installed, upgraded and uninstalled by the real helm. */
import { randomBytes } from "node:crypto";
import {
  type Checked,
  type Context,
  type Existing,
  type Failure,
  PartialError,
  type Properties,
  type ResourceType,
  UNKNOWN,
  hasUnknown,
  secret,
} from "../server/provider";
import { same } from "../server/schema";
import { chartPath, fetchChart } from "./chart";
import { Cluster } from "./cluster";
import { HelmError, withHelm } from "./helm";
import { ReleaseFailedError, deploy, uninstall } from "./release-deploy";
import { RELEASE_INPUTS, type ReleaseInputs, UNSERVED } from "./release-inputs";
import { type Release, newestRelease } from "./release-record";
import { clusterOf, dropUnreachable } from "./unreachable";
import { parseId, without } from "./object";

/** Type token of a release. */
export const RELEASE_TOKEN = "kubernetes:helm.sh/v3:Release";

/** The type. State: the inputs, `status` and `resourceNames`, as upstream (which never fills `manifest` either). */
export const releaseResource: ResourceType<ReleaseInputs & Properties> = {
  inputs: RELEASE_INPUTS,
  check,
  preview,
  create,
  read,
  update,
  delete: destroy,
};

async function check(news: Properties, olds: Properties | undefined, ctx: Context): Promise<Checked> {
  const failures: Failure[] = [];
  for (const [key, instead] of Object.entries(UNSERVED)) {
    if (news[key] !== undefined)
      failures.push({ property: key, reason: `is not served by the lab's plugin; ${instead}` });
  }
  // `compat`, `resourceNames` and `manifest` are sent by the SDK and mean nothing; `allowNullValues` is the default.
  const inputs = without(news, "compat", "resourceNames", "manifest", "allowNullValues");
  const ambient = ctx.config instanceof Cluster ? ctx.config.settings.namespace : undefined;
  inputs.namespace ??= ambient ?? "default";
  inputs.name ??= typeof olds?.name === "string" ? olds.name : `${ctx.name}-${randomBytes(4).toString("hex")}`;
  const { chart, version, devel, verify, keyring, dependencyUpdate, repositoryOpts } = inputs;
  const source = { chart, version, devel, verify, keyring, dependencyUpdate, repositoryOpts };
  if (failures.length > 0 || hasUnknown(source)) return { inputs, failures };
  try {
    // The program may give a range or nothing: what is compared later is the version that this means today.
    inputs.version = (await fetchChart(source as ReleaseInputs)).version;
  } catch (error) {
    const reason = `${error instanceof Error ? error.message : String(error)}; check the chart's name, version and repository`;
    failures.push({ property: "chart", reason });
  }
  return { inputs, failures };
}

async function preview(inputs: ReleaseInputs & Properties, ctx: Context, old?: Existing<Properties>): Promise<object> {
  if (!hasUnknown(inputs)) await render(inputs, ctx);
  const { status, resourceNames } = old?.state ?? {};
  // An upgrade gives the release another revision; its name and namespace stay.
  const known =
    old && !hasUnknown(inputs.name) ? { ...(status as object), revision: UNKNOWN, status: UNKNOWN } : UNKNOWN;
  return { ...inputs, status: known, resourceNames: old && sameChart(old, inputs) ? resourceNames : UNKNOWN };
}

function sameChart(old: Existing<Properties>, inputs: ReleaseInputs): boolean {
  return old.inputs.chart === inputs.chart && old.inputs.version === inputs.version;
}

/** Finds wrong values before anything is made. What only the cluster can tell is left to the update. */
async function render(inputs: ReleaseInputs, ctx: Context): Promise<void> {
  const chart = await fetchChart(inputs);
  await withHelm(undefined, async (helm) => {
    const path = chartPath(helm, chart);
    const values = helm.file(JSON.stringify(inputs.values ?? {}));
    if (inputs.lint) await helm.run(["lint", path, "--values", values], { signal: ctx.signal });
    const args = ["template", inputs.name, path, "--namespace", inputs.namespace, "--values", values];
    const version = await serverVersion(ctx);
    try {
      await helm.run([...args, ...(version ? ["--kube-version", version] : [])], { signal: ctx.signal });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (/specifications of the schema|chart requires kubeVersion/.test(message)) {
        throw new HelmError(`Release ${inputs.namespace}/${inputs.name}: ${message}`);
      }
      ctx.log("debug", `Release ${inputs.name} can't be rendered without the cluster: ${message}`);
    }
  });
}

async function serverVersion(ctx: Context): Promise<string | undefined> {
  const cluster = ctx.config instanceof Cluster ? ctx.config : undefined;
  return cluster && (await cluster.unreachable()) === undefined ? cluster.version() : undefined;
}

async function create(inputs: ReleaseInputs & Properties, ctx: Context): Promise<{ id: string; state: object }> {
  const cluster = clusterOf(ctx);
  await cluster.mustReach();
  const release = await deployOrPartial(cluster, inputs, ctx, false);
  return { id: `${release.namespace}/${release.name}`, state: stateOf(inputs, release) };
}

async function update(_old: Existing<Properties>, inputs: ReleaseInputs & Properties, ctx: Context): Promise<object> {
  const cluster = clusterOf(ctx);
  await cluster.mustReach();
  return stateOf(inputs, await deployOrPartial(cluster, inputs, ctx, true));
}

/** A release that exists but failed is kept in the state with the reasons: the next update goes on from there. */
async function deployOrPartial(
  cluster: Cluster,
  inputs: ReleaseInputs & Properties,
  ctx: Context,
  isOurs: boolean,
): Promise<Release> {
  try {
    return await deploy(cluster, inputs, ctx, isOurs);
  } catch (error) {
    if (!(error instanceof ReleaseFailedError)) throw error;
    if (!error.release) throw new Error(error.reasons.join("\n"));
    throw new PartialError(`${inputs.namespace}/${inputs.name}`, stateOf(inputs, error.release), error.reasons);
  }
}

function stateOf(inputs: Properties, release: Release): Properties {
  const { name, namespace, revision, status, chart, resourceNames } = release;
  const { version, appVersion } = chart;
  return {
    ...inputs,
    status: { name, namespace, revision, status, chart: chart.name, version, appVersion },
    resourceNames,
  };
}

async function read(existing: Existing<Properties>, ctx: Context) {
  const cluster = clusterOf(ctx);
  const unreachable = await cluster.unreachable();
  if (unreachable !== undefined) return dropUnreachable(cluster, unreachable, ctx) ? undefined : existing;
  const { namespace = "default", name } = parseId(existing.id);
  const release = await newestRelease(cluster, namespace, name);
  if (!release || release.status === "uninstalled") return undefined;
  const inputs = inputsOf(existing.inputs, release);
  const state = stateOf(inputs, release);
  if (release.status === "deployed" || release.status === "superseded") return { id: existing.id, state, inputs };
  const reason = `Release ${existing.id} is ${release.status}: ${release.description}; run pulumi up, it goes on from there`;
  throw new PartialError(existing.id, hide(state, ctx), [reason], hide(inputs, ctx));
}

/** The inputs as the release has them: its values and chart version where somebody changed them, all of it on import. */
function inputsOf(inputs: Properties, release: Release): Properties {
  const { name, namespace, chart, values } = release;
  if (Object.keys(inputs).length === 0) return { name, namespace, chart: chart.name, version: chart.version, values };
  const changed = !same(JSON.parse(JSON.stringify(inputs.values ?? {})), values);
  return { ...inputs, version: chart.version, ...(changed ? { values } : {}) };
}

function hide(values: Properties, ctx: Context): Properties {
  const entries = Object.entries(values);
  return Object.fromEntries(
    entries.map(([key, value]): [string, unknown] => [key, ctx.secretInputs.includes(key) ? secret(value) : value]),
  );
}

async function destroy(existing: Existing<Properties>, ctx: Context): Promise<void> {
  const cluster = clusterOf(ctx);
  const unreachable = await cluster.unreachable();
  if (unreachable !== undefined) {
    if (dropUnreachable(cluster, unreachable, ctx)) return;
    throw new Error(`can't delete Release ${existing.id}: the cluster is unreachable: ${unreachable}`);
  }
  await uninstall(cluster, existing.inputs as ReleaseInputs & Properties, existing.id, ctx);
}
