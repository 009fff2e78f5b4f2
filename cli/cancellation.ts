/** What the user's ^C, or a signal to this process, means for the operation under way. */
export class Cancellation {
  /** Nothing new begins. */
  requested = false;
  private readonly controller = new AbortController();

  /**
   * A terminal sends ^C to Pulumi as well, for it is of the same process group, and Pulumi takes a second one as the
   * wish to stop in the middle of a step; so it is told only of signals that reach this process alone.
   */
  constructor(terminal = process.stdin.isTTY) {
    process.on("SIGINT", () => this.request(!terminal));
    process.on("SIGTERM", () => this.request(true));
  }

  /** Tells Pulumi to stop after the steps under way. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  private request(tellPulumi: boolean): void {
    if (!this.requested) console.error("\nstopping after the steps under way …");
    this.requested = true;
    if (tellPulumi) this.controller.abort();
  }
}
