import { z } from "zod";

/** The least severity that is sent to a receiver. */
const severity = z.enum(["critical", "warning"], { error: "neither critical nor warning" }).default("warning");

const text = (pattern: RegExp, error: string) => z.string({ error: "not a text" }).regex(pattern, { error });

const address = text(/^[^\s@]+@[^\s@]+$/, "not an e-mail address");

/** Who gets alerts; none unless it is named. */
export const alertReceivers = z
  .strictObject({
    /** Gets Alertmanager's own JSON by POST. Its address is a key, as Slack's is: whoever has it may send. */
    webhook: z.strictObject({ url: text(/^https?:\/\/\S+$/, "not an http or https URL"), severity }).optional(),
    slack: z
      .strictObject({
        /** The address of an incoming webhook. */
        url: text(/^https:\/\/\S+$/, "not an https URL"),
        /** Instead of the incoming webhook's own channel. */
        channel: text(/^[#@]\S+$/, "not a channel of the form #name").optional(),
        severity,
      })
      .optional(),
    email: z
      .strictObject({
        to: address,
        from: address,
        /** Mail server with its port. */
        smarthost: text(/^[\w.-]+:\d{1,5}$/, "not of the form host:port"),
        username: z.string({ error: "not a text" }).min(1, { error: "empty" }).optional(),
        password: z.string({ error: "not a text" }).min(1, { error: "empty" }).optional(),
        /** Refuses to send where the server has no STARTTLS. */
        requireTls: z.boolean({ error: "neither true nor false" }).default(true),
        severity,
      })
      .optional(),
  })
  .prefault({});

export type AlertReceivers = z.output<typeof alertReceivers>;

/** Whether it holds something that nobody may read. */
export const holdsSecrets = ({ webhook, slack, email }: AlertReceivers): boolean =>
  Boolean(webhook ?? slack ?? email?.password);
