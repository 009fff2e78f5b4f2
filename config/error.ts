import { RunError } from "@pulumi/pulumi";

/** One thing that is wrong with the configuration. */
export interface Violation {
  /** Full name, with the path inside a structured value: `daybreak:charts.prometheus.timeoutSeconds`. */
  key: string;
  /** The offending value as it should be shown; undefined when the key is not set. */
  value?: string;
  /** Why it is refused. */
  reason: string;
  /** What would be accepted. */
  allowed: string;
  /** The command that puts it right. */
  command: string;
}

function paragraph({ key, value, reason, allowed, command }: Violation): string {
  return [
    value === undefined ? `  ${key} is not set` : `  ${key} = ${value}`,
    `    reason:  ${reason}`,
    `    allowed: ${allowed}`,
    `    do:      ${command}`,
  ].join("\n");
}

/**
 * The configuration is not usable. Carries every violation at once and is thrown before any resource is registered.
 * As a RunError it goes through `pulumi up` as this text alone, without a stack trace.
 */
export class ConfigError extends RunError {
  constructor(
    readonly stackName: string,
    readonly violations: readonly Violation[],
  ) {
    const count = violations.length === 1 ? "1 problem" : `${violations.length} problems`;
    super(
      `The configuration of stack ${stackName} has ${count}; nothing was changed.\n\n${violations.map(paragraph).join("\n\n")}\n`,
    );
    this.name = "ConfigError";
    // The place in the program explains nothing, and Pulumi takes many seconds to colour a stack trace that goes through node_modules.
    this.stack = undefined;
  }
}
