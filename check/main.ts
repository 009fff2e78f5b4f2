import { InvalidArgumentError } from "commander";

import { clusterCommand, EXIT_CANNOT_RUN, runToTheEnd } from "./command";
import { interruption } from "./interruption";
import { Progress } from "./progress";
import { Printer, type Report } from "./report";
import { runCheck } from "./run";
import { CannotRun, findTarget } from "./target";

interface Options {
  kubeconfig?: string;
  stack?: string;
  grafanaUrl?: string;
  bookinfoUrl?: string;
  json: boolean;
  timeout: number;
  keep: boolean;
}

const EXIT_FAILED = 1;

const program = clusterCommand("check")
  .description("Checks a cluster and all that runs on it, and names the probable cause of what fails.")
  .option("--kubeconfig <file>", "cluster to check (default: $KUBECONFIG, else the stack's output kubeconfig)")
  .option("--stack <name>", "infrastructure stack whose cluster and URLs to check (default: dev)")
  .option("--grafana-url <url>", "where Grafana should answer from outside (default: the stack's, else the NodePort)")
  .option("--bookinfo-url <url>", "where Bookinfo should answer from outside (default: the stack's, else the NodePort)")
  .option("--json", "one JSON object instead of lines", false)
  .option("--timeout <seconds>", "limit for the whole check", seconds, 240)
  .option("--keep", "leave the test pods and their namespace", false)
  .addHelpText(
    "after",
    "\nExit code: 0 all passed or skipped, 1 something failed, 2 the check could not run.\n" +
      "docs/troubleshooting.md shows the pictures it knows.",
  );

function seconds(text: string): number {
  const value = Number(text);
  if (!(value >= 10 && value <= 600)) throw new InvalidArgumentError("from 10 to 600 seconds");
  return value;
}

async function main(): Promise<number> {
  const options = program.parse().opts<Options>();
  const interrupt = interruption("removing the test pods");
  const terminal = process.stdout.isTTY && !options.json;
  const printer = new Printer(terminal && !process.env.NO_COLOR);
  const progress = new Progress(process.stdout, terminal);
  const print = (lines: string[]): void => (options.json ? undefined : progress.print(lines));
  try {
    progress.waitFor("looking for the cluster");
    const report = await runCheck({
      target: await findTarget(options),
      stack: options.stack ?? "dev",
      limit: options.timeout,
      keep: options.keep,
      interrupt,
      onCluster: ({ server, version, nodes }) => print([`${server} · Kubernetes ${version} · ${nodes.length} nodes`]),
      onGroup: (id, checks) => print(printer.group(id, checks)),
      onProgress: (text) => progress.waitFor(text),
    });
    progress.stop();
    finish(report, printer, options.json);
    return report.ok ? 0 : EXIT_FAILED;
  } catch (error) {
    progress.stop();
    return complain(error, interrupt, options.json);
  }
}

function finish(report: Report, printer: Printer, json: boolean): void {
  const lines = json
    ? [JSON.stringify(report, null, 2)]
    : [...printer.diagnoses(report.diagnoses), ...printer.closing(report)];
  process.stdout.write(`${lines.join("\n")}\n`);
}

function complain(error: unknown, interrupt: AbortSignal, json: boolean): number {
  if (interrupt.aborted) return interrupt.reason as number;
  const message = error instanceof CannotRun ? error.message : String((error as Error).stack ?? error);
  process.stderr.write(`the check could not run: ${message}\n`);
  if (json) process.stdout.write(`${JSON.stringify({ ok: false, error: message }, null, 2)}\n`);
  return EXIT_CANNOT_RUN;
}

runToTheEnd(main);
