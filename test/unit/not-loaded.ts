/** Stands where unit tests have no use for a part of a library: see jest.config.js. The Kubernetes client extends this one. */
export class ObjectSerializer {}
