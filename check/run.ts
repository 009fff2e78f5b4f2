import { Api } from "./api";
import { readCluster, type Cluster } from "./cluster";
import type { Context } from "./context";
import { diagnose } from "./diagnosis";
import { askAll } from "./dialer";
import { autoscaling } from "./groups/autoscaling";
import { connections } from "./groups/connections";
import { kubelet } from "./groups/kubelet";
import { linkerd } from "./groups/linkerd";
import { networkPolicies } from "./groups/network-policies";
import { nodes } from "./groups/nodes";
import { outside } from "./groups/outside";
import { prometheus } from "./groups/prometheus";
import { system } from "./groups/system";
import { testPods } from "./groups/test-pods";
import { webhook } from "./groups/webhook";
import { buildReport, type Report } from "./report";
import { explain, failed, GROUPS, since, type CheckResult, type GroupId } from "./result";
import { CannotRun, type Target } from "./target";
import { Workspace } from "./testbed";

/** Every group, in the order of the report. */
const ALL = [
  nodes,
  system,
  testPods,
  kubelet,
  ...connections,
  webhook,
  networkPolicies,
  prometheus,
  autoscaling,
  linkerd,
  outside,
];

export interface RunOptions {
  target: Target;
  /** Name of the infrastructure stack, for the remedies' commands. */
  stack: string;
  /** Seconds for all groups together. */
  limit: number;
  /** Leave the test pods where they are. */
  keep: boolean;
  /** Ends the run early; what was made is removed all the same. */
  interrupt: AbortSignal;
  onCluster: (cluster: Cluster) => void;
  /** Called in the report's order, each as soon as it and those before it are done. */
  onGroup: (id: GroupId, checks: CheckResult[]) => void;
  /** What is being waited for now. */
  onProgress: (text: string) => void;
}

/**
 * Runs all groups at the same time and reports them in order; removes the test pods in any case.
 *
 * @throws CannotRun if the API server doesn't answer or doesn't let us read
 * @throws the interrupt's reason, after the cleaning up
 */
export async function runCheck(options: RunOptions): Promise<Report> {
  const start = performance.now();
  const startedAt = new Date().toISOString();
  const limit = AbortSignal.timeout(options.limit * 1000);
  const signal = AbortSignal.any([options.interrupt, limit]);
  options.onProgress("reading the cluster");
  const { kubeConfig } = options.target;
  const api = await Api.connect(kubeConfig, signal).catch(unreachable(kubeConfig.getCurrentCluster()?.server));
  const cluster = await readCluster(api).catch(unreachable(api.server));
  options.onCluster(cluster);

  const workspace = new Workspace(api, cluster, options.limit);
  let checks: CheckResult[] = [];
  const leftovers: string[] = [];
  try {
    checks = await runGroups(contextOf(options, api, cluster, workspace, signal), options);
  } finally {
    if (options.keep) leftovers.push(`kept: kubectl delete namespace ${workspace.namespace}`);
    else {
      options.onProgress("removing the test pods");
      leftovers.push(...(await workspace.remove(AbortSignal.timeout(25_000))));
    }
  }
  options.interrupt.throwIfAborted();
  const diagnoses = diagnose(checks, { stack: options.stack });
  const header = { server: api.server, version: cluster.version, startedAt, seconds: since(start), leftovers };
  return buildReport(header, checks, diagnoses);
}

function contextOf(
  { target }: RunOptions,
  api: Api,
  cluster: Cluster,
  workspace: Workspace,
  signal: AbortSignal,
): Context {
  const testbed = workspace.raise();
  const answers = testbed.then((bed) => askAll(api, bed, cluster.dnsDomain));
  // Whoever needs them waits for them and meets the error then.
  testbed.catch(() => {});
  answers.catch(() => {});
  return { api, kubeConfig: target.kubeConfig, cluster, outside: target.outside, signal, testbed, answers };
}

async function runGroups(context: Context, { onGroup, onProgress, interrupt }: RunOptions): Promise<CheckResult[]> {
  const ended = new Promise<never>((_resolve, reject) => {
    context.signal.addEventListener("abort", () => reject(new Error("the time for the whole check was over")));
  });
  ended.catch(() => {});
  const running = ALL.map((group) => ({
    id: group.id,
    checks: Promise.race([group.run(context), ended]).catch((error: unknown) => [
      failed({ group: group.id, id: `${group.id}.run`, title: `${GROUPS[group.id]}: not finished` }, error),
    ]),
  }));
  const all: CheckResult[] = [];
  for (const { id, checks } of running) {
    onProgress(GROUPS[id]);
    const results = await checks;
    interrupt.throwIfAborted();
    onGroup(id, results);
    all.push(...results);
  }
  return all;
}

/** The commonest reasons, each with its way out. */
function unreachable(server = "the API server"): (error: unknown) => never {
  return (error) => {
    const { reason, detail } = explain(error);
    const hints: Partial<Record<typeof reason, string>> = {
      timeout: "TCP 6443 is open only to daybreak:adminCidrs; is your address among them, and does the cluster run?",
      refused: "the machine runs, the API server does not: ssh there, crictl ps -a, journalctl -u kubelet -n 50",
      unreachable: "no route to it: does the cluster run?",
      denied: "the kubeconfig's user may not read the cluster",
    };
    const hint = hints[reason] ?? (/certificate/.test(detail) ? "the kubeconfig is not that of this cluster" : "");
    throw new CannotRun(`${server} cannot be asked: ${detail}${hint ? `\n  → ${hint}` : ""}`);
  };
}
