/** What resources do when their cluster doesn't answer. */
import type { Context } from "../server/provider";
import { Cluster } from "./cluster";

/** The way out, said with every refusal. */
const REMEDY =
  "If the cluster was deleted, rerun with the PULUMI_K8S_DELETE_UNREACHABLE environment variable set to " +
  '"true", or with deleteUnreachable on the provider, to remove this resource from the state.';

/** The provider's cluster; throws when the provider has no configuration yet. */
export function clusterOf(ctx: Context): Cluster {
  if (ctx.config instanceof Cluster) return ctx.config;
  throw new Error("the Kubernetes provider has no configuration yet: its kubeconfig is not known");
}

/**
 * True when a resource of a dead cluster is to be forgotten; false when its old state is to be kept as it is.
 * Otherwise throws an error that says how to get out.
 */
export function dropUnreachable(cluster: Cluster, reason: string, ctx: Context): boolean {
  const { deleteUnreachable, skipUpdateUnreachable } = cluster.settings;
  if (deleteUnreachable) {
    ctx.log("info", `the cluster is unreachable (${reason}) and deleteUnreachable is set: removed from the state only`);
    return true;
  }
  if (skipUpdateUnreachable) {
    ctx.log("warning", `the cluster is unreachable (${reason}): what the state says may be out of date`);
    return false;
  }
  throw new Error(`configured Kubernetes cluster is unreachable: ${reason}. ${REMEDY}`);
}
