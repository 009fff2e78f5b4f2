import { Command, Option } from "commander";

import { buildOnly } from "./build-phase";
import { EXTRA_NAMES, extrasNamed } from "./extras";
import { readLab, type Lab, type MachineImageKind } from "./lab";
import { openShell } from "./shell";
import { startLab } from "./start";
import { labNames, stopLab } from "./stop";
import { renderSummary } from "./summary";

const ENVIRONMENT = `
Environment:
  DAYBREAK_CACHE          folder of everything downloaded or built; default ~/.cache/daybreak
  DAYBREAK_UPSTREAM       auto: what upstream offers is downloaded, the rest built here (default);
                          never: nobody is asked, all of it is built; always: what cannot be reached is an error
  DAYBREAK_UPSTREAM_URLS  mirrors of upstream's sites, separated by commas: https://get.helm.sh=https://mirror/helm
                          replaces the beginning of an address, https://mirror alone holds <host>/<path> of all others
`;

interface StartFlags {
  lab: string;
  empty: boolean;
  image: MachineImageKind;
  extras?: string | boolean;
}

const program = new Command("lab")
  .description(
    "Runs both stacks of daybreak on this machine, without a cloud account: EC2 is played by systemd-nspawn.",
  )
  .enablePositionalOptions()
  .addHelpText("after", ENVIRONMENT)
  .showHelpAfterError();

const extrasOption = (what: string) =>
  new Option("--extras [names]", `${what}: ${EXTRA_NAMES.join(", ")}, or all of them; off by default`);

const labOption = ["--lab <name>", "name of the lab; labs of different names run side by side", "lab"] as const;

program
  .command("start", { isDefault: true })
  .addHelpText("after", ENVIRONMENT)
  .description("build what is missing, raise the lab and both stacks, check them; on a living lab change nothing")
  .option(...labOption)
  .option("--empty", "raise the lab without its stacks, for typing pulumi up oneself in npm run lab:shell", false)
  .addOption(
    new Option("--image <kind>", "machines boot a bare server (base), or one with packages and images inside (baked)")
      .choices(["base", "baked"])
      .default("baked"),
  )
  .addOption(extrasOption("build these too and turn them on in the workloads' configuration"))
  .action(async ({ lab, extras, ...options }: StartFlags) => {
    const result = await startLab({ name: lab, ...options, extras: extrasNamed(extras) });
    console.log(
      Array.isArray(result)
        ? `\nThe lab "${lab}" is empty. Go on with: npm run lab:shell -- --lab ${lab}`
        : `\n${renderSummary(result)}`,
    );
  });

program
  .command("build")
  .description("only fill the cache: tools, packages, images, charts, machine images, plugins")
  .addOption(extrasOption("the images of these too"))
  .action(({ extras }: { extras?: string | boolean }) => buildOnly(extrasNamed(extras)));

program
  .command("stop")
  .description("take a lab down to nothing, also one that was killed half-way; the cache stays")
  .option(...labOption)
  .option("--all", "every lab on this machine", false)
  .action(async ({ lab, all }: { lab: string; all: boolean }) => {
    for (const name of all ? labNames() : [lab]) {
      await stopLab(name);
      console.log(`The lab "${name}" is gone.`);
    }
  });

program
  .command("shell [command...]")
  .description("a shell, or one command, in which pulumi, kubectl and helm mean the lab")
  .option(...labOption)
  .passThroughOptions()
  .action(async (command: string[], { lab }: { lab: string }) => {
    process.exitCode = await openShell(livingLab(lab), command);
  });

function livingLab(name: string): Lab {
  const lab = readLab(name);
  if (lab === undefined) {
    const others = labNames();
    throw new Error(
      `There is no lab "${name}"${others.length ? ` (there are: ${others.join(", ")})` : ""}. Start it: npm start`,
    );
  }
  return lab;
}

program.parseAsync().catch((error: unknown) => {
  console.error(`\n${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
