import { z } from "zod";

import { flag, matching } from "./key";

/** The least severity that is sent to a receiver. */
const severity = z.enum(["critical", "warning"], { error: "neither critical nor warning" }).default("warning");

const address = matching(/^[^\s@]+@[^\s@]+$/, "not an e-mail address");

/** Who gets alerts; none unless it is named. */
export const alertReceivers = z
  .strictObject({
    /** Gets Alertmanager's own JSON by POST. Its address is a key, as Slack's is: whoever has it may send. */
    webhook: z.strictObject({ url: matching(/^https?:\/\/\S+$/, "not an http or https URL"), severity }).optional(),
    slack: z
      .strictObject({
        /** The address of an incoming webhook. */
        url: matching(/^https:\/\/\S+$/, "not an https URL"),
        /** Instead of the incoming webhook's own channel. */
        channel: matching(/^[#@]\S+$/, "not a channel of the form #name").optional(),
        severity,
      })
      .optional(),
    email: z
      .strictObject({
        to: address,
        from: address,
        /** Mail server with its port. */
        smarthost: matching(/^[\w.-]+:\d{1,5}$/, "not of the form host:port"),
        username: matching(/./, "empty").optional(),
        password: matching(/./, "empty").optional(),
        /** Refuses to send where the server has no STARTTLS. */
        requireTls: flag(true),
        severity,
      })
      .optional(),
  })
  .prefault({});

export type AlertReceivers = z.output<typeof alertReceivers>;

/** Whether it holds something that nobody may read. */
export const holdsSecrets = ({ webhook, slack, email }: AlertReceivers): boolean =>
  Boolean(webhook ?? slack ?? email?.password);
