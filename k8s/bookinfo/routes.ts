import type { MeshObject, MeshTypes } from "../linkerd/types";
import { PORT, type ServiceName, type Version, VERSIONS } from "./services";

/** Shares of the requests to reviews, in any unit. */
export type Weights = Readonly<Record<Version, number>>;

/** Services that other services of Bookinfo call. */
type Called = Exclude<ServiceName, "productpage">;

/**
 * How long a caller's request may take with all its tries, as a Gateway API duration. Each is below what the caller
 * itself waits: productpage 3 s for details and for reviews, reviews v3 2.5 s for ratings (release-1.20).
 */
const TIMEOUTS: Readonly<Record<Called, string>> = { details: "2500ms", reviews: "2500ms", ratings: "1500ms" };

/**
 * A failed answer is asked for again up to twice, from whichever backend the weights choose. All of Bookinfo's calls
 * from service to service are GETs, so that asking again changes nothing.
 */
const RETRIES = { "retry.linkerd.io/http": "5xx", "retry.linkerd.io/limit": "2" };

/** The service of one version of reviews alone, which a route can send to. */
export const versionService = (version: Version): string => `reviews-${version}`;

function backends(service: Called, weights: Weights) {
  if (service !== "reviews") return [{ name: service, port: PORT }];
  return VERSIONS.map((version) => ({ name: versionService(version), port: PORT, weight: weights[version] }));
}

function route(service: Called, types: MeshTypes, weights: Weights): MeshObject {
  return {
    apiVersion: types.route,
    kind: "HTTPRoute",
    name: service,
    ...(types.retries && { annotations: RETRIES }),
    spec: {
      parentRefs: [{ group: "core", kind: "Service", name: service, port: PORT }],
      rules: [{ backendRefs: backends(service, weights), timeouts: { request: TIMEOUTS[service] } }],
    },
  };
}

/**
 * A route for each service that others call: how long a request may take, what is tried again and, for reviews, which
 * version gets which share. The callers' proxies obey them; calls of clients without a proxy are not split.
 *
 * productpage has none: its callers measure it, and an error that is hidden from them by another try would be no figure.
 */
export function routes(types: MeshTypes, weights: Weights): MeshObject[] {
  return (["details", "ratings", "reviews"] as const).map((service) => route(service, types, weights));
}
