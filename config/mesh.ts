import { z } from "zod";

import { key } from "./key";

/** Keys of a stack with `layer: k8s` that concern the mesh and what it does with Bookinfo's traffic. */
export const meshShape = {
  linkerdChannel: key(
    z.enum(["edge", "stable"], { error: "neither edge nor stable" }).default("edge"),
    "Line of Linkerd: edge is what upstream publishes today, stable is 2.14.10.",
    "edge or stable (default edge)",
    "daybreak:linkerdChannel edge",
  ),
};
