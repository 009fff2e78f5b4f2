/**
 * Runs a Pulumi program without stack traces: Pulumi notes one with each of its promises, and jest looks up every line of it, which
 * was a third of all unit tests' time. Where there is no limit none is taken; with 0 jest would still be asked for each.
 */
export async function withoutStackTraces<T>(program: () => Promise<T>): Promise<T> {
  const { stackTraceLimit } = Error;
  Reflect.deleteProperty(Error, "stackTraceLimit");
  try {
    return await program();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}
