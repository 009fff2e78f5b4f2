import { z } from "zod";

import { between, flag, key } from "./key";

/** Keys of a stack with `layer: k8s` that concern the mesh and what it does with Bookinfo's traffic. */
export const meshShape = {
  linkerdChannel: key(
    z.enum(["edge", "stable"], { error: "neither edge nor stable" }).default("edge"),
    "Line of Linkerd: edge is what upstream publishes today, stable is 2.14.10.",
    "edge or stable (default edge)",
    "daybreak:linkerdChannel edge",
  ),
  reviewsWeights: key(
    z
      .strictObject(
        { v1: between(0, 1000), v2: between(0, 1000), v3: between(0, 1000) },
        { error: "not v1, v2 and v3" },
      )
      .refine((weights) => Object.values(weights).some((weight) => weight > 0), {
        error: "all three are 0: nobody would answer",
      })
      .default({ v1: 1, v2: 1, v3: 1 }),
    "Shares of the requests to reviews that its three versions get; npm run canary moves them.",
    "v1, v2 and v3, each a whole number from 0 to 1000, not all 0 (default 1 each: a third)",
    "--path 'daybreak:reviewsWeights.v3' 2",
  ),
  linkerdHighAvailability: key(
    flag(false),
    "Three of each part of the mesh's control plane, one a node, and no pod without its proxy even if that means no pod.",
    "true or false (default false); true needs three nodes",
    "daybreak:linkerdHighAvailability true",
  ),
  meshTrust: key(
    z
      .strictObject({
        /** Generations of trust anchors that every proxy trusts. A number that is new makes a new anchor. */
        anchors: z
          .array(between(1, 999), { error: "not a list" })
          .min(1, { error: "nobody would be trusted" })
          .max(2, { error: "more than the old one and the new one" })
          .refine((anchors) => new Set(anchors).size === anchors.length, { error: "the same anchor twice" })
          .default([1]),
        /** The anchor that signs the issuer; unset: the first of them. */
        signer: between(1, 999).optional(),
        /** Generation of the issuer's key. */
        issuer: between(1, 999).default(1),
      })
      .refine(({ anchors, signer }) => signer === undefined || anchors.includes(signer), {
        error: "signer is none of the anchors",
      })
      .prefault({}),
    "The mesh's certificates; docs/mesh.md says how to change them without downtime, one step an up.",
    "anchors: one or two numbers (default 1), signer: one of them (default the first), issuer: a number (default 1)",
    "--path 'daybreak:meshTrust.anchors[1]' 2",
  ),
};
