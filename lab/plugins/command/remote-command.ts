/** `command.remote.Command`: a command over SSH when the resource is created, changed and deleted. */
import { randomBytes } from "node:crypto";
import { type Context, type Existing, type ResourceType, UNKNOWN } from "../server/provider";
import { type Connection, connectionSchema } from "./connection";
import { dial } from "./dial";
import { type Outcome, execute, refusedVariables } from "./execute";

interface CommandInputs {
  connection: Connection;
  create?: string;
  update?: string;
  delete?: string;
  stdin?: string;
  environment?: Record<string, string>;
  triggers?: unknown[];
  logging?: "stdout" | "stderr" | "stdoutAndStderr" | "none";
  addPreviousOutputInEnv?: boolean;
}

interface CommandState extends CommandInputs {
  stdout?: string;
  stderr?: string;
}

/** How much of a failed command's output its error shows, from the end. */
const SHOWN_CHARACTERS = 16_384;

/**
 * The semantics of the upstream provider 1.2.1: a change of any input runs `update`, or else `create`; a change of
 * `triggers` replaces; a resource whose `create` failed does not exist, one whose `update` failed keeps its old state.
 */
export const remoteCommandType: ResourceType<CommandInputs, CommandState> = {
  inputs: {
    connection: connectionSchema,
    create: { type: "string" },
    update: { type: "string" },
    delete: { type: "string" },
    stdin: { type: "string" },
    environment: { type: "map", items: { type: "string" } },
    triggers: { type: "array", replace: true },
    logging: { type: "string", oneOf: ["stdout", "stderr", "stdoutAndStderr", "none"] },
    addPreviousOutputInEnv: { type: "boolean" },
  },
  outputs: ["stdout", "stderr"],

  preview(news) {
    return { ...news, stdout: UNKNOWN, stderr: UNKNOWN };
  },

  async create(news, ctx) {
    const id = `${ctx.name}${randomBytes(4).toString("hex")}`;
    return { id, state: { ...news, ...(await run(news.create, news, {}, ctx)) } };
  },

  async update(old, news, ctx) {
    const { stdout = "", stderr = "" } = old.state;
    return { ...news, ...(await run(news.update ?? news.create, news, { stdout, stderr }, ctx)) };
  },

  async delete(existing: Existing<CommandState>, ctx) {
    const { state } = existing;
    await run(state.delete, state, state, ctx);
  },
};

/** Runs a command, if there is one; gives its outputs, or the previous ones. */
async function run(
  command: string | undefined,
  inputs: CommandInputs,
  previous: { stdout?: string; stderr?: string },
  ctx: Context,
): Promise<{ stdout: string; stderr: string }> {
  const { stdout = "", stderr = "" } = previous;
  if (command === undefined) return { stdout, stderr };
  const session = await dial(inputs.connection, ctx);
  try {
    const environment = await acceptedEnvironment(session.client, inputs, { stdout, stderr }, ctx);
    const logged = loggedStreams(inputs.logging);
    const onLine = (stream: string, line: string) => {
      if (logged.includes(stream)) ctx.log("info", line, true);
    };
    const execution = { command, environment, stdin: inputs.stdin, onLine };
    const outcome = await execute(session.client, execution, ctx.signal);
    if (outcome.failure !== undefined) throw new Error(describeFailure(outcome, command, ctx));
    return { stdout: outcome.stdout.replace(/\n$/, ""), stderr: outcome.stderr.replace(/\n$/, "") };
  } finally {
    session.close();
  }
}

function loggedStreams(logging: CommandInputs["logging"] = "stdoutAndStderr"): string[] {
  if (logging === "none") return [];
  return logging === "stdoutAndStderr" ? ["stdout", "stderr"] : [logging];
}

/** The environment that the server takes: a refused variable of the program is an error, a refused extra a warning. */
async function acceptedEnvironment(
  client: Parameters<typeof refusedVariables>[0],
  inputs: CommandInputs,
  previous: { stdout: string; stderr: string },
  ctx: Context,
): Promise<Record<string, string>> {
  const extras: Record<string, string> = {};
  if (inputs.addPreviousOutputInEnv ?? true) {
    if (previous.stdout) extras["PULUMI_COMMAND_STDOUT"] = previous.stdout;
    if (previous.stderr) extras["PULUMI_COMMAND_STDERR"] = previous.stderr;
  }
  const environment = { ...extras, ...inputs.environment };
  for (const name of await refusedVariables(client, environment)) {
    const advice = `the SSH server does not take the variable ${name} (AcceptEnv); write it before the command instead`;
    if (Object.hasOwn(inputs.environment ?? {}, name)) throw new Error(advice);
    ctx.log("warning", advice);
    delete environment[name];
  }
  return environment;
}

/** How it ended, what was run (unless that is secret) and the end of what it printed. */
function describeFailure(outcome: Outcome, command: string, ctx: Context): string {
  const secret = ["create", "update", "delete"].some((key) => ctx.secretInputs.includes(key));
  const printed = outcome.combined.trimEnd();
  const shown = printed.length > SHOWN_CHARACTERS ? `[…]${printed.slice(-SHOWN_CHARACTERS)}` : printed;
  return `${outcome.failure ?? ""}: running ${secret ? "a secret command" : JSON.stringify(command)}:\n${shown}`;
}
