import type { LocalWorkspace } from "@pulumi/pulumi/automation";
import { Command } from "commander";
import { createInterface } from "node:readline/promises";

import { Progress } from "../check/progress";
import { Cancellation } from "./cancellation";
import { destroy } from "./destroy";
import { Cancelled, describePhases, explainFailure, OperationFailed, Operations } from "./operation";
import { stackOption } from "./stack-option";
import { openWorkspace } from "./stacks";
import { status } from "./status";
import { preview, up } from "./up";

interface Options {
  stack: string;
}

const EXIT_FAILED = 1;
const EXIT_INTERRUPTED = 130;

const terminal = process.stdout.isTTY && !process.env.CI;
const progress = new Progress(process.stdout, terminal);
const cancellation = new Cancellation();

const program = new Command()
  .name("npm run")
  .description("Both stacks of an environment in the right order: the cluster (dev) and the workloads on it (dev-k8s).")
  .addHelpText("after", "\nWith npm, options stand behind two dashes: npm run destroy -- --stack lab --yes");

command("up", "raise the cluster, then the workloads; changes only what differs")
  .option("--refresh", "look first at what is really there, and put back what somebody else changed", false)
  .action((options: Options & { refresh: boolean }) =>
    main((workspace, operations) => up(workspace, operations, options.stack, options)),
  );

command("preview", "show what up would change").action((options: Options) =>
  main((workspace, operations) => preview(workspace, operations, options.stack)),
);

command("destroy", "remove the workloads, then the cluster")
  .alias("down")
  .option("-y, --yes", "don't ask (nobody is asked without a terminal either)", false)
  .option("--cluster-gone", "the API server is dead for good: forget the workloads, then remove the machines", false)
  .action((options: Options & { yes: boolean; clusterGone: boolean }) =>
    main(async (workspace, operations) => {
      if (!options.yes && !(await confirmed(`Destroy ${options.stack}-k8s and ${options.stack}?`))) return;
      await destroy(workspace, operations, options.stack, options);
    }),
  );

command("status", "last update, resources and outputs of both stacks, and whether the cluster answers").action(
  (options: Options) => main((workspace, operations) => status(workspace, operations, options.stack)),
);

function command(name: string, description: string): Command {
  return program.command(name).description(description).addOption(stackOption());
}

async function main(work: (workspace: LocalWorkspace, operations: Operations) => Promise<void>): Promise<void> {
  const operations = new Operations(progress, cancellation);
  try {
    await work(await openWorkspace(), operations);
  } catch (error) {
    progress.stop();
    complain(error, operations);
  }
}

function complain(error: unknown, operations: Operations): void {
  if (error instanceof Cancelled) {
    console.error("\ncancelled; what is done stays, and the same command goes on from there");
    process.exitCode = EXIT_INTERRUPTED;
    return;
  }
  process.exitCode = EXIT_FAILED;
  if (!(error instanceof OperationFailed)) return console.error(`✘ ${explainFailure(error)}`);
  console.error(["", ...describePhases(operations.phases), ""].join("\n"));
  console.error(`✘ ${error.verb} of stack ${error.layer} failed: ${error.message}`);
  console.error(`  then again: npm run ${error.verb} -- --stack ${error.layer.replace(/-k8s$/, "")}`);
}

/** Without a terminal, as in CI, there is nobody to ask. */
async function confirmed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY || process.env.CI) return true;
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await prompt.question(`${question} [y/N] `);
  prompt.close();
  return /^y(es)?$/i.test(answer.trim());
}

void program.parseAsync();
