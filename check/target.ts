import { KubeConfig } from "@kubernetes/client-node";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import type { Outside } from "./context";

const run = promisify(execFile);
const PROJECT_DIR = join(__dirname, "..");

/** What the command line says of the cluster. */
export interface TargetOptions {
  kubeconfig?: string;
  /** Infrastructure stack; undefined if the user named none. */
  stack?: string;
  grafanaUrl?: string;
  bookinfoUrl?: string;
}

/** The cluster to check and where it should answer from outside. */
export interface Target {
  kubeConfig: KubeConfig;
  outside: Outside;
}

/** The check cannot run at all; exit code 2. */
export class CannotRun extends Error {}

type Outputs = Record<string, unknown>;

/**
 * Finds the cluster: `--kubeconfig`, else the output of the stack that `--stack` names, else $KUBECONFIG, else the
 * output of stack `dev`.
 *
 * @throws CannotRun with the next command, if there is none
 */
export async function findTarget(options: TargetOptions): Promise<Target> {
  const file = options.kubeconfig ?? (options.stack === undefined ? process.env.KUBECONFIG : undefined);
  const stack = options.stack ?? (file ? undefined : "dev");
  const [infra, workloads] = stack === undefined ? [{}, {}] : await stackOutputs(stack, file === undefined);
  const kubeConfig = file ? fromFile(file) : fromOutput(infra, stack ?? "dev");
  return { kubeConfig, outside: outsideOf(options, infra, workloads) };
}

function fromFile(list: string): KubeConfig {
  const file = list.split(":").find((candidate) => existsSync(candidate));
  if (file === undefined) throw new CannotRun(`kubeconfig ${list}: no such file`);
  return parsed(file, (kubeConfig) => kubeConfig.loadFromFile(file));
}

function fromOutput({ kubeconfig }: Outputs, stack: string): KubeConfig {
  if (typeof kubeconfig !== "string")
    throw new CannotRun(`stack ${stack} has no output kubeconfig: has it been raised? npm run up -- --stack ${stack}`);
  return parsed(`output kubeconfig of stack ${stack}`, (kubeConfig) => kubeConfig.loadFromString(kubeconfig));
}

function parsed(source: string, load: (kubeConfig: KubeConfig) => void): KubeConfig {
  const kubeConfig = new KubeConfig();
  try {
    load(kubeConfig);
  } catch (error) {
    throw new CannotRun(`${source}: ${(error as Error).message}`);
  }
  if (kubeConfig.getCurrentCluster() === null) throw new CannotRun(`${source}: names no current cluster`);
  return kubeConfig;
}

/** Outputs of both stacks; those of the workloads may be missing, those of the infrastructure only if not needed. */
async function stackOutputs(stack: string, needed: boolean): Promise<[Outputs, Outputs]> {
  return Promise.all([
    outputs(stack, true).catch((error: unknown) => {
      if (needed) throw new CannotRun(`stack ${stack} cannot be read: ${firstLine(error)}; or use --kubeconfig FILE`);
      return {};
    }),
    outputs(`${stack}-k8s`, false).catch(() => ({})),
  ]);
}

/** The secret is read from the CLI's standard output and never stands on a command line. */
async function outputs(stack: string, secrets: boolean): Promise<Outputs> {
  const args = ["stack", "output", "--json", "--non-interactive", "--stack", stack];
  const { stdout } = await run("pulumi", secrets ? [...args, "--show-secrets"] : args, {
    cwd: PROJECT_DIR,
    timeout: 30_000,
    maxBuffer: 16 * 1024 * 1024,
  });
  return JSON.parse(stdout) as Outputs;
}

function firstLine(error: unknown): string {
  const { stderr = "", message } = error as { stderr?: string; message: string };
  if ((error as NodeJS.ErrnoException).code === "ENOENT") return "there is no pulumi on the PATH";
  return (stderr.trim() || message).split("\n")[0] ?? "";
}

function outsideOf({ grafanaUrl, bookinfoUrl }: TargetOptions, infra: Outputs, workloads: Outputs): Outside {
  const url = (value: unknown): string | undefined => (typeof value === "string" && value ? value : undefined);
  const grafana = grafanaUrl ?? url(workloads.grafanaUrl);
  const bookinfo = bookinfoUrl ?? url(workloads.bookinfoUrl);
  return {
    ...(grafana ? { grafanaUrl: grafana } : {}),
    ...(bookinfo ? { bookinfoUrl: bookinfo } : {}),
    publicAddresses: publicAddresses(infra),
  };
}

/** The infrastructure's outputs name the control plane first, then the workers in order. */
function publicAddresses({ nodeNames, masterPublicIp, workerPublicIps }: Outputs): Record<string, string> {
  if (!Array.isArray(nodeNames) || !Array.isArray(workerPublicIps)) return {};
  const addresses = [masterPublicIp, ...(workerPublicIps as unknown[])];
  const pairs = nodeNames.map((name, index) => [String(name), addresses[index]] as const);
  return Object.fromEntries(pairs.filter((pair): pair is [string, string] => typeof pair[1] === "string"));
}
