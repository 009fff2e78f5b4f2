import { Listr, type ListrTask } from "listr2";

/** A phase of `npm start`: what it is called, and the work; `say` replaces the line of progress below the title. */
export interface Phase<Context> {
  title: string;
  run: (context: Context, say: (line: string) => void) => Promise<string | void>;
}

/** How long each phase took, in the order in which they ran. */
export interface PhaseTime {
  title: string;
  seconds: number;
}

/**
 * Runs the phases one after another with live progress: a changing line on a terminal, plain lines elsewhere.
 *
 * What a phase returns stands behind its title when it is done. The first failure ends the run and is thrown.
 */
export async function runPhases<Context>(phases: Phase<Context>[], context: Context): Promise<PhaseTime[]> {
  const times: PhaseTime[] = [];
  let failure: unknown;
  const tasks = phases.map(({ title, run }): ListrTask<Context> => ({
    title,
    task: async (ctx, task) => {
      const begun = Date.now();
      const result = await run(ctx, (line) => (task.output = line)).catch((error: unknown) => {
        failure = error;
        throw new Error("failed, see below", { cause: error });
      });
      const seconds = (Date.now() - begun) / 1000;
      times.push({ title, seconds });
      task.title = `${title}${result ? `: ${result}` : ""} (${seconds.toFixed(1)} s)`;
    },
  }));
  const list = new Listr<Context>(tasks, { ctx: context, fallbackRenderer: "simple" });
  await list.run().catch((error: unknown) => {
    throw failure ?? error;
  });
  return times;
}
