import { BOOKINFO } from "./bookinfo";
import type { Dashboard } from "./dashboard";
import { LINKERD } from "./linkerd";
import { NODES } from "./nodes";
import { PLATFORM } from "./platform";
import { TRAFFIC } from "./traffic";

/** Every dashboard of ours, in the order in which one looks at them. */
export const DASHBOARDS: readonly Dashboard[] = [PLATFORM, BOOKINFO, LINKERD, TRAFFIC, NODES];
