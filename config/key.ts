import { z } from "zod";

/** What the reference and the error messages say of a key. */
export interface KeyDocumentation {
  /** What it does. */
  description: string;
  /** What is accepted, in words. */
  allowed: string;
  /** Arguments of a `pulumi config set` that sets it. */
  example: string;
}

/** A schema with its documentation; read back with `schema.meta()`. */
export function key<Schema extends z.ZodType>(
  schema: Schema,
  description: string,
  allowed: string,
  example: string,
): Schema {
  return schema.meta({ description, allowed, example } satisfies KeyDocumentation);
}

/** A text that `fault` has nothing against; its answer is the reason shown. */
export function text(fault: (value: string) => string | undefined) {
  return z.string({ error: "not a text" }).superRefine((value, context) => {
    const message = fault(value);
    if (message) context.addIssue({ code: "custom", message });
  });
}

/** A text of this form. */
export const matching = (pattern: RegExp, reason: string) =>
  text((value) => (pattern.test(value) ? undefined : reason));

/** A whole number, both bounds included. */
export const between = (from: number, to: number) => {
  const error = `not a whole number from ${from} to ${to}`;
  return z.int({ error }).min(from, { error }).max(to, { error });
};

/** A yes or no with its default. */
export const flag = (value: boolean) => z.boolean({ error: "neither true nor false" }).default(value);
