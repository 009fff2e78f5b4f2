import { Resource } from "@pulumi/pulumi";

/**
 * Runs a Pulumi program without stack traces: Pulumi takes one with each of its promises and resources, and jest looks up every line
 * of it, which was a third of all unit tests' time. Where there is no limit none is taken; with 0 jest would still be asked for each.
 */
export async function withoutStackTraces<T>(program: () => Promise<T>): Promise<T> {
  const { stackTraceLimit } = Error;
  // A resource's place in the program, for which Pulumi lifts the limit: the mocks have no use for it.
  const callsites = jest.spyOn(Resource as unknown as { callsites(): [] }, "callsites").mockReturnValue([]);
  Reflect.deleteProperty(Error, "stackTraceLimit");
  try {
    return await program();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    callsites.mockRestore();
  }
}
