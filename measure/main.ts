import { clusterCommand, EXIT_CANNOT_RUN, KUBECONFIG, runToTheEnd, STACK } from "../check/command";
import { interruption } from "../check/interruption";
import { Progress } from "../check/progress";
import { CannotRun, findTarget } from "../check/target";
import { parseDuration, parseRate, parseRounds } from "../traffic/options";
import { ms } from "../traffic/report";
import { NoReport } from "../traffic/run";
import { type Measurement, measurement, render } from "./report";
import { type Plan, runRounds, secondsFor } from "./rounds";
import { CannotMeasure, Stage } from "./stage";

interface Options {
  rate: number;
  rounds: number;
  duration: number;
  json: boolean;
  kubeconfig?: string;
  stack?: string;
}

const EXIT_FAILED = 1;

const program = clusterCommand("measure")
  .description(
    "Measures what the mesh adds to the time of Bookinfo's page: two copies of it, with proxies and without.",
  )
  .option("--rate <number>", "requests a second, of one copy at a time", parseRate, 50)
  .option("--rounds <number>", "rounds, each with both copies; more make the interval narrower", parseRounds, 10)
  .option("--duration <time>", "length of a round for each copy", parseDuration, 15)
  .option("--json", "one JSON object instead of the table", false)
  .addOption(KUBECONFIG)
  .addOption(STACK)
  .addHelpText(
    "after",
    "\nExit code: 0 measured, whatever came out, 1 requests failed meanwhile, 2 it could not be measured.\n" +
      "docs/traffic.md says how it is measured.",
  );

async function main(): Promise<number> {
  const options = program.parse().opts<Options>();
  const interrupt = interruption("removing both copies");
  const progress = new Progress(process.stderr, process.stderr.isTTY);
  try {
    const result = await measure(options, interrupt, progress);
    process.stdout.write(`${options.json ? JSON.stringify(result, null, 2) : `\n${render(result)}`}\n`);
    return result.variants.plain.errors + result.variants.meshed.errors > 0 ? EXIT_FAILED : 0;
  } catch (error) {
    if (interrupt.aborted) return interrupt.reason as number;
    const known = [CannotRun, CannotMeasure, NoReport].some((kind) => error instanceof kind);
    const message = known ? (error as Error).message : String((error as Error).stack);
    process.stderr.write(`the overhead could not be measured: ${message}\n`);
    return EXIT_CANNOT_RUN;
  }
}

async function measure(options: Options, interrupt: AbortSignal, progress: Progress): Promise<Measurement> {
  const plan: Plan = { rate: options.rate, rounds: options.rounds, seconds: options.duration };
  progress.waitFor("looking for the cluster");
  const { kubeConfig } = await findTarget(options);
  const stage = new Stage(kubeConfig, interrupt);
  const onProgress = (text: string): void => progress.waitFor(text);
  try {
    const copies = await stage.raise(secondsFor(plan), onProgress);
    const rounds = await runRounds({
      kubeConfig,
      plan,
      copies,
      clientNode: stage.clientNode,
      interrupt,
      onProgress,
      onRound: (round, { latency: plain }, { latency: meshed }) =>
        progress.print([`round ${round}: p50 ${ms(plain.p50)} without, ${ms(meshed.p50)} with mesh`]),
      onAgain: (variant, reason) => progress.print([`${variant}, once more: ${reason}`]),
    });
    return measurement(plan, copies, rounds);
  } finally {
    progress.waitFor("removing both copies");
    const left = await stage.remove();
    progress.stop();
    for (const note of left) process.stderr.write(`‼ ${note}\n`);
  }
}

runToTheEnd(main);
