/**
 * Annotation of a Deployment whose pods take long to leave: Pulumi then removes the Deployment and goes on with the mesh,
 * while the namespace, which waits for its pods in any case, sees them off.
 */
export const REMOVED_IN_BACKGROUND = { "pulumi.com/deletionPropagationPolicy": "background" };
