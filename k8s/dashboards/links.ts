import { DashboardLinkBuilder, DashboardLinkType } from "@grafana/grafana-foundation-sdk/dashboard";

/** Of every dashboard of ours; the link to the others goes by it. */
export const TAG = "daybreak";

/** A menu of our dashboards that leads to each at the same time range: to those of the extras as well, where they are on. */
export const toOthers = () =>
  new DashboardLinkBuilder(TAG).type(DashboardLinkType.Dashboards).tags([TAG]).asDropdown(true).keepTime(true);
