import { Command, Option } from "commander";

/** Exit code of a command that could not do what it was asked. */
export const EXIT_CANNOT_RUN = 2;

/** Options that say which cluster; `findTarget` reads them. */
export const KUBECONFIG = new Option(
  "--kubeconfig <file>",
  "cluster to use (default: $KUBECONFIG, else the stack's output kubeconfig)",
);
export const STACK = new Option("--stack <name>", "infrastructure stack whose cluster to use (default: dev)");

/** The command `npm run <name>` on a cluster; what its options refuse ends it with {@link EXIT_CANNOT_RUN}. */
export function clusterCommand(name: string): Command {
  return new Command()
    .name(`npm run ${name} --`)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : EXIT_CANNOT_RUN));
}

/** Runs a command and ends with its exit code: connections to the API server that stay open would keep it alive. */
export function runToTheEnd(main: () => Promise<number>): void {
  void main().then((code) => process.stdout.write("", () => process.exit(code)));
}
