import { clusterCommand, EXIT_CANNOT_RUN, KUBECONFIG, runToTheEnd, STACK } from "../check/command";
import { interruption } from "../check/interruption";
import { Progress } from "../check/progress";
import { CannotRun, findTarget } from "../check/target";
import { describe } from "./report";
import { NoReport, runLoad } from "./run";
import { parseDuration, parseRate } from "./options";

interface Options {
  rate: number;
  duration: number;
  url: string;
  json: boolean;
  kubeconfig?: string;
  stack?: string;
}

const EXIT_FAILED = 1;

const program = clusterCommand("traffic")
  .description(
    "Sends requests to Bookinfo's page at a constant rate, once, from a meshed pod, and prints fortio's report.",
  )
  .option("--rate <number>", "requests a second", parseRate, 100)
  .option("--duration <time>", "how long: 60s, 2m", parseDuration, 60)
  .option("--url <url>", "page to ask for", "http://productpage.bookinfo.svc.cluster.local:9080/productpage")
  .option("--json", "one JSON object instead of the report", false)
  .addOption(KUBECONFIG)
  .addOption(STACK)
  .addHelpText(
    "after",
    "\nExit code: 0 every request was answered with 2xx, 1 some were not, 2 the load could not run.\n" +
      "docs/traffic.md says what the figures mean. The standing generator: daybreak:trafficRate.",
  );

async function main(): Promise<number> {
  const options = program.parse().opts<Options>();
  const interrupt = interruption("removing the load");
  const progress = new Progress(process.stderr, process.stderr.isTTY);
  try {
    progress.waitFor("looking for the cluster");
    const { kubeConfig } = await findTarget(options);
    const { text, report } = await runLoad(kubeConfig, {
      namespace: "traffic",
      load: { url: options.url, rate: options.rate, extent: { seconds: options.duration } },
      interrupt,
      onProgress: (what) => progress.waitFor(what),
    });
    progress.stop();
    const words = [text, "", describe(report, options.rate)].join("\n");
    process.stdout.write(
      `${options.json ? JSON.stringify({ wantedRate: options.rate, ...report }, null, 2) : words}\n`,
    );
    return report.errors > 0 ? EXIT_FAILED : 0;
  } catch (error) {
    progress.stop();
    if (interrupt.aborted) return interrupt.reason as number;
    const known = error instanceof CannotRun || error instanceof NoReport;
    process.stderr.write(`the load could not run: ${known ? error.message : String((error as Error).stack)}\n`);
    return EXIT_CANNOT_RUN;
  }
}

runToTheEnd(main);
