const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/** Prints lines and, on a terminal, one moving line below them that says what is being waited for. */
export class Progress {
  private text = "";
  private frame = 0;
  private readonly start = Date.now();
  private timer?: NodeJS.Timeout;

  constructor(
    private readonly out: NodeJS.WriteStream,
    private readonly moving: boolean,
  ) {}

  waitFor(text: string): void {
    this.text = text;
    if (!this.moving) return;
    this.timer ??= setInterval(() => this.draw(), 100);
    this.draw();
  }

  print(lines: string[]): void {
    this.clear();
    if (lines.length > 0) this.out.write(`${lines.join("\n")}\n`);
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.clear();
  }

  private draw(): void {
    const seconds = Math.round((Date.now() - this.start) / 1000);
    const frame = FRAMES[this.frame++ % FRAMES.length];
    this.out.write(`\r\u001b[2K${frame} ${this.text} (${seconds} s)`);
  }

  private clear(): void {
    if (this.moving) this.out.write("\r\u001b[2K");
  }
}
