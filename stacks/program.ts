import type { Input } from "@pulumi/pulumi";

/** What `stacks/infra.ts` and `stacks/k8s.ts` export as `program`: registers the resources and returns the stack's outputs. */
export type Program = () => Promise<Record<string, Input<unknown>>>;
