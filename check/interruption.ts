/** Exit codes of a shell for programs that a signal ended. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * What ends a run that has something to clear away: the first signal ends it in order, the second one at once.
 *
 * @param cleaning what is done then: "removing the test pods"
 * @returns its reason, once it is aborted, is the exit code
 */
export function interruption(cleaning: string): AbortSignal {
  const controller = new AbortController();
  for (const [name, code] of Object.entries(SIGNALS))
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(code);
      process.stderr.write(`\n${name}: ${cleaning}; once more leaves them\n`);
      controller.abort(code);
    });
  return controller.signal;
}
