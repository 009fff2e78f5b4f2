import { KubeConfig } from "@kubernetes/client-node";
import { Command, InvalidArgumentError } from "commander";
import { Listr } from "listr2";

import { Api } from "../check/api";
import { type Version, VERSIONS } from "../k8s/bookinfo/services";
import { describeFigures, figuresOf } from "./canary/figures";
import type { Limits } from "./canary/judge";
import { Split } from "./canary/split";
import { Breach, takeStep } from "./canary/walk";
import { describeWeights, weightsAt } from "./canary/weights";
import { explainFailure } from "./operation";
import { layersOf, openStack, openWorkspace, UserError } from "./stacks";
import { stackOption } from "./stack-option";

interface Options {
  stack: string;
  steps: number[];
  pause: number;
  minSuccess: number;
  maxP99: number;
  minRequests: number;
}

const EXIT = { rolledBack: 1, cannotRun: 2, interrupted: 130 } as const;

new Command()
  .name("npm run canary --")
  .description("Moves the requests to reviews onto one of its versions, step by step, and back if it does worse.")
  .argument("<service>", "reviews, the one service that has versions", only(["reviews"]))
  .argument("<version>", VERSIONS.join(", "), only(VERSIONS))
  .addOption(stackOption())
  .option("--steps <percents>", "shares of the version", percents, [5, 25, 50, 100])
  .option("--pause <seconds>", "how long each share is watched", number(10, 86_400), 60)
  .option("--min-success <percent>", "least share of answers that are no 5xx", number(0, 100), 99)
  .option(
    "--max-p99 <ms>",
    "most milliseconds for 99 % of the answers (judged from 100 requests on)",
    number(1, 60_000),
    500,
  )
  .option("--min-requests <count>", "requests below which a step proves nothing", number(1, 1_000_000), 10)
  .addHelpText(
    "after",
    "\nEach step writes daybreak:reviewsWeights and updates that one route. On a breach, and on ^C, the weights from before\n" +
      "come back; a second ^C leaves them as they are. Exit code: 0 all steps passed, 1 rolled back, 2 could not begin,\n" +
      "130 ended by ^C. docs/bookinfo.md tells more.",
  )
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : EXIT.cannotRun))
  .action(async (_service: string, version: Version, options: Options) => {
    process.exitCode = await canary(version, options);
  })
  .parseAsync()
  .catch((error: unknown) => {
    console.error(`✘ ${explainFailure(error)}`);
    process.exitCode = EXIT.cannotRun;
  });

async function canary(version: Version, options: Options): Promise<number> {
  const signal = interruptible();
  const [infra, workloads] = layersOf(options.stack);
  const workspace = await openWorkspace();
  const { kubeconfig } = await (await openStack(workspace, infra)).outputs();
  if (typeof kubeconfig?.value !== "string")
    throw new UserError(`stack ${infra.name} has no cluster\n  → npm run up -- --stack ${infra.name}`);
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromString(kubeconfig.value);
  // Going back must still work when the walk was ended, so nothing of the API ends with it.
  const api = await Api.connect(kubeConfig, new AbortController().signal);
  const split = await Split.open(await openStack(workspace, workloads), api);
  const ask = await figuresOf(api, version);
  const { before } = split;
  weightsAt(version, 100, before);
  const hands = {
    shift: (percent: number) => split.set(weightsAt(version, percent, before), signal),
    ask,
    limits: limitsOf(options),
    signal,
  };
  try {
    await new Listr(
      options.steps.map((percent) => ({
        title: `reviews ${version} gets ${percent} %`,
        task: async (_context, task) => {
          const step = { percent, pauseSeconds: options.pause };
          const figures = await takeStep(step, hands, (line) => (task.output = line));
          task.title = `reviews ${version} got ${percent} %: ${describeFigures(figures)}`;
        },
      })),
      { concurrent: false, fallbackRenderer: "simple", rendererOptions: { collapseErrors: false } },
    ).run();
  } catch (error) {
    return await goBack(split, error, signal.aborted);
  }
  console.log(`reviews ${version} has ${options.steps.at(-1)} % of the requests, and the configuration says so`);
  return 0;
}

function limitsOf({ minSuccess, maxP99, minRequests }: Options): Limits {
  return { successRate: minSuccess / 100, p99: maxP99, requests: minRequests };
}

async function goBack(split: Split, error: unknown, interrupted: boolean): Promise<number> {
  const why = interrupted ? "ended by a signal" : error instanceof Breach ? error.message : explainFailure(error);
  console.error(`✘ ${why}\n  going back to ${describeWeights(split.before)} …`);
  try {
    await split.restore();
  } catch (failure) {
    console.error(`✘ going back failed: ${explainFailure(failure)}\n  → by hand: ${split.recipe}`);
    return EXIT.rolledBack;
  }
  console.error(`  reviews is split as before: ${describeWeights(split.before)}`);
  return interrupted ? EXIT.interrupted : EXIT.rolledBack;
}

/** The first signal goes back, the second one leaves everything as it is. */
function interruptible(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const)
    process.on(name, () => {
      if (controller.signal.aborted) {
        console.error("\nleft as it is: pulumi config get daybreak:reviewsWeights says how, pulumi up puts it there");
        process.exit(EXIT.interrupted);
      }
      controller.abort();
    });
  return controller.signal;
}

function only<Choice extends string>(choices: readonly Choice[]) {
  return (text: string): Choice => {
    const found = choices.find((choice) => choice === text);
    if (found === undefined) throw new InvalidArgumentError(`one of ${choices.join(", ")}`);
    return found;
  };
}

function number(from: number, to: number) {
  return (text: string): number => {
    const value = Number(text);
    if (text.trim() === "" || !(value >= from && value <= to)) throw new InvalidArgumentError(`from ${from} to ${to}`);
    return value;
  };
}

/** "5,25,50,100": whole percents that rise. */
function percents(text: string): number[] {
  const values = text.split(",").map(Number);
  const rising = values.every((value, index) => Number.isInteger(value) && value > (values[index - 1] ?? 0));
  if (!rising || (values.at(-1) ?? 0) > 100) throw new InvalidArgumentError("whole percents from 1 to 100 that rise");
  return values;
}
