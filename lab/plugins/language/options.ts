/** `runtime.options` of Pulumi.yaml, as far as they concern running a program. */

/** The options that are honoured; others are let through unread, as Pulumi's own host does. */
export interface RuntimeOptions {
  /** Load TypeScript by the SDK's own means; default true. */
  typescript: boolean;
  /** Path of the tsconfig that these means use. */
  tsconfig?: string;
  /** Arguments for `node`, before the program. */
  nodeArguments: string[];
}

/** Reads them; throws where one has the wrong type. */
export function runtimeOptions(options: Record<string, unknown>): RuntimeOptions {
  return {
    typescript: option(options, "typescript", "boolean") ?? true,
    tsconfig: option(options, "tsconfig", "string"),
    nodeArguments: splitWords(option(options, "nodeargs", "string") ?? ""),
  };
}

interface Types {
  boolean: boolean;
  string: string;
}

function option<T extends keyof Types>(options: Record<string, unknown>, name: string, type: T): Types[T] | undefined {
  const value = options[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === type) return value as Types[T];
  throw new Error(`Pulumi.yaml: runtime option ${name} has to be a ${type}`);
}

/** Splits at spaces as a shell does, with single and double quotes but without variables. */
export function splitWords(line: string): string[] {
  const words = line.match(/(?:[^\s"']|"(?:\\.|[^"\\])*"|'[^']*')+/g) ?? [];
  return words.map((word) =>
    word.replace(/"((?:\\.|[^"\\])*)"|'([^']*)'/g, (_all, double?: string, single?: string) =>
      double === undefined ? (single ?? "") : double.replace(/\\(.)/g, "$1"),
    ),
  );
}
