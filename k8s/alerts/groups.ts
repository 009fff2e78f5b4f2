import { BOOKINFO } from "./bookinfo";
import { DISK } from "./disk";
import { MEMORY } from "./memory";
import { MESH } from "./mesh";
import { NODES } from "./nodes";
import type { RuleGroup } from "./rule";
import { SLO } from "./slo";
import { TARGETS } from "./targets";

/** Every rule of ours, by the name of the PrometheusRule that it goes into. */
export const RULES: Readonly<Record<string, readonly RuleGroup[]>> = {
  slo: SLO,
  bookinfo: [BOOKINFO],
  nodes: [NODES],
  targets: [TARGETS],
  mesh: [MESH],
  disk: [DISK],
  memory: [MEMORY],
};

/**
 * Rules of kube-prometheus-stack that ours replace, because theirs wait so long that the 15 minutes within which a
 * failure shall be known are over. All of the chart's others stay and are relied upon.
 */
export const REPLACED_RULES = ["TargetDown", "KubeNodeNotReady"] as const;
