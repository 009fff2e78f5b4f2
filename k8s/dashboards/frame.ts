import { DashboardBuilder, DashboardLinkBuilder, DashboardLinkType } from "@grafana/grafana-foundation-sdk/dashboard";

import type { Dashboard } from "./dashboard";

/** Of every dashboard of ours; the link to the others goes by it. */
const TAG = "daybreak";

/** A menu of our dashboards that leads to each at the same time range: to those of the extras as well, where they are on. */
const toOthers = () =>
  new DashboardLinkBuilder(TAG).type(DashboardLinkType.Dashboards).tags([TAG]).asDropdown(true).keepTime(true);

/** What each of our dashboards begins with: read-only, the last half hour, renewed every 10 s, with links to the others. */
export function frame(
  { title, uid, purpose }: Pick<Dashboard, "title" | "uid" | "purpose">,
  timezone: string,
): DashboardBuilder {
  return new DashboardBuilder(title)
    .uid(uid)
    .description(purpose)
    .tags([TAG])
    .timezone(timezone)
    .readonly()
    .refresh("10s")
    .time({ from: "now-30m", to: "now" })
    .link(toOthers());
}
