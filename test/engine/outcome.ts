import execa from "execa";

/** How a command ended. */
export interface Outcome {
  exitCode: number;
  /** Both outputs, in the order of arrival. */
  all: string;
}

/** Runs a command that may fail, in a folder. */
export async function outcome(
  file: string,
  args: string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<Outcome> {
  const { exitCode, all } = await execa(file, args, { cwd, env, all: true, reject: false });
  return { exitCode: exitCode ?? 1, all: all ?? "" };
}
