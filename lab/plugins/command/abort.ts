/** Calls `work` when the signal is aborted, at once if it is already; `stop` ends the listening. */
export function onAbort(signal: AbortSignal, work: () => void): { stop(): void } {
  if (signal.aborted) work();
  else signal.addEventListener("abort", work, { once: true });
  return { stop: () => signal.removeEventListener("abort", work) };
}
