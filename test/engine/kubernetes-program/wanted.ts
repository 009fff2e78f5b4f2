/** A resource that the test program has to make. */
export interface Wanted {
  /** Path of its class in the SDK, e.g. `apps.v1.Deployment`. */
  type: string;
  name: string;
  args: object;
  /** Names of resources that come first. */
  after?: string[];
  customTimeouts?: { create?: string; update?: string; delete?: string };
}
