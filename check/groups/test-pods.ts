import type { Context, Group } from "../context";
import { checkOf, failed, type CheckResult } from "../result";

const HEADER = { group: "test-pods", id: "test-pods.running", title: "a test pod runs on every node" } as const;

export const testPods: Group = {
  id: "test-pods",
  async run({ testbed, signal }: Context): Promise<CheckResult[]> {
    try {
      const { probes = [], namespace = "" } = (await testbed) ?? {};
      return [checkOf({ ...HEADER, detail: `namespace ${namespace}` }, probes)];
    } catch (error) {
      signal.throwIfAborted();
      return [failed(HEADER, error)];
    }
  },
};
