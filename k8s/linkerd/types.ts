import type { LinkerdChannel } from "../../config/versions";

/** Group of the mesh's own policy types. */
export const POLICY_GROUP = "policy.linkerd.io";

/** API versions of what a channel understands, each the newest that its charts bring. */
export interface MeshTypes {
  /** Group of HTTPRoute, as references to one name it. */
  routeGroup: string;
  route: string;
  server: string;
  /** AuthorizationPolicy, MeshTLSAuthentication and NetworkAuthentication. */
  policy: string;
  /** Whether annotations on a route are obeyed that say what is tried again (`retry.linkerd.io/…`). */
  retries: boolean;
}

/**
 * Edge takes the Gateway API's HTTPRoute, which its crds chart installs; 2.14 brings one of its own group. Retries by
 * annotation came with 2.16. Source: charts/linkerd-crds of edge-26.8.3 and of stable-2.14.10.
 */
export const MESH_TYPES: Readonly<Record<LinkerdChannel, MeshTypes>> = {
  edge: {
    routeGroup: "gateway.networking.k8s.io",
    route: "gateway.networking.k8s.io/v1",
    server: `${POLICY_GROUP}/v1beta3`,
    policy: `${POLICY_GROUP}/v1alpha1`,
    retries: true,
  },
  stable: {
    routeGroup: POLICY_GROUP,
    route: `${POLICY_GROUP}/v1beta3`,
    server: `${POLICY_GROUP}/v1beta1`,
    policy: `${POLICY_GROUP}/v1alpha1`,
    retries: false,
  },
};

/** Every API version of Server that some channel's program uses. */
export const SERVER_VERSIONS: readonly string[] = Object.values(MESH_TYPES).map(({ server }) => server);

/** An object of one of the mesh's types, without its namespace. */
export interface MeshObject {
  apiVersion: string;
  kind: string;
  /** Further API versions under which the program of another channel has the same object. */
  versions?: readonly string[];
  name: string;
  annotations?: Record<string, string>;
  spec: Record<string, unknown>;
}
