/**
 * Prints a figure that is told, not tested, when it is there: what the console is told jest keeps until the whole suite is over, which
 * takes half an hour, and then prints it between the name of a suite that failed and the reason.
 */
export function tell(figure: string): void {
  process.stderr.write(`${figure}\n`);
}
