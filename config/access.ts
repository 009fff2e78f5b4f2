import { flag, key } from "./key";

/** Keys of a stack with `layer: k8s` that concern who may reach what. */
export const accessShape = {
  networkPolicies: key(
    flag(true),
    "Whether pods are shut off from one another but for what they need, with an agent on each node that enforces it.",
    "true or false (default true)",
    "daybreak:networkPolicies false",
  ),
};
