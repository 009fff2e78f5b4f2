/** Runs a Pulumi program: the SDK's own entry (`@pulumi/pulumi/cmd/run`) in a Node process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { RunRequest } from "@pulumi/pulumi/proto/language_pb";
import { runtimeOptions } from "./options";

/** The SDK's exit code for "the error has been shown already". */
const ALREADY_REPORTED = 32;

/** How long a program may take to end after an interrupt, in milliseconds; then it is killed. */
const GRACE_MS = 5000;

/** How a program ended. */
export interface Ending {
  /** Message for the user; empty = it went well, or the error has been shown. */
  error: string;
  /** The error has been shown: stop without another word. */
  bail: boolean;
}

/** Starts the program of a request; its output goes to this process's, where the engine reads it. */
export function startProgram(request: RunRequest, engineAddress: string): ChildProcess {
  const info = request.getInfo();
  const directory = info?.getProgramDirectory() || request.getPwd();
  const options = runtimeOptions(info?.getOptions()?.toJavaScript() ?? {});
  const node = [...options.nodeArguments, runModule(directory), ...sdkArguments(request, engineAddress, directory)];
  const child = spawn(process.execPath, node, {
    // `--import` of nodeargs is looked up from here.
    cwd: directory,
    env: {
      ...process.env,
      PULUMI_CONFIG: JSON.stringify(Object.fromEntries(request.getConfigMap().toArray())),
      PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
      ...(options.typescript ? { PULUMI_NODEJS_TYPESCRIPT: "true" } : {}),
      ...(options.tsconfig ? { PULUMI_NODEJS_TSCONFIG_PATH: options.tsconfig } : {}),
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.stdout.pipe(process.stdout, { end: false });
  child.stderr.pipe(process.stderr, { end: false });
  return child;
}

function runModule(directory: string): string {
  try {
    return createRequire(join(directory, "package.json")).resolve("@pulumi/pulumi/cmd/run");
  } catch {
    throw new Error(`@pulumi/pulumi is not installed in ${directory}; run: npm ci`);
  }
}

function sdkArguments(request: RunRequest, engineAddress: string, directory: string): string[] {
  const info = request.getInfo();
  const flags = {
    monitor: request.getMonitorAddress(),
    engine: engineAddress,
    organization: request.getOrganization(),
    project: request.getProject(),
    "root-directory": info?.getRootDirectory(),
    stack: request.getStack(),
    pwd: directory,
    parallel: String(request.getParallel()),
  };
  const given = Object.entries(flags).flatMap(([name, value]) => (value ? [`--${name}`, value] : []));
  if (request.getDryrun()) given.push("--dry-run");
  return [...given, info?.getEntryPoint() || ".", ...request.getArgsList()];
}

/** Waits until the program has ended and all of its output has arrived. */
export function ending(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve({ error: `node could not be started: ${error.message}`, bail: false }));
    child.once("close", (code, signal) => resolve(describe(code, signal)));
  });
}

function describe(code: number | null, signal: string | null): Ending {
  if (code === 0) return { error: "", bail: false };
  if (code === ALREADY_REPORTED) return { error: "", bail: true };
  if (code === null) return { error: `Program was ended by ${signal ?? "a signal"}`, bail: false };
  return { error: `Program exited with non-zero exit code: ${code}`, bail: false };
}

/** Interrupts the program; kills it when it doesn't end within 5 s. */
export function interrupt(child: ChildProcess): void {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGINT");
  const timer = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
  child.once("exit", () => clearTimeout(timer));
}
