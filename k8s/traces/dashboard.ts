import type { Builder, Dataquery } from "@grafana/grafana-foundation-sdk/cog";
import { CustomVariableBuilder } from "@grafana/grafana-foundation-sdk/dashboard";
import { PanelBuilder as TableBuilder } from "@grafana/grafana-foundation-sdk/table";

import { SERVICES } from "../bookinfo/services";
import { frame } from "../dashboards/frame";

/** Part of its address in Grafana. */
export const TRACES_DASHBOARD = "daybreak-traces";

/** Our data source. */
const JAEGER = { type: "jaeger", uid: "jaeger" };

/** As many as fit on a screen. */
const SHOWN = 30;

/** What Grafana asks Jaeger; its SDK has the queries of other data sources only. */
interface Search extends Dataquery {
  refId: string;
  datasource: typeof JAEGER;
  queryType: "search";
  service: string;
  limit: number;
}

/** The newest traces that a service has a part in. */
const newest = (service: string): Builder<Search> => ({
  build: () => ({
    _implementsDataqueryVariant: () => undefined,
    refId: "A",
    datasource: JAEGER,
    queryType: "search",
    service,
    limit: SHOWN,
  }),
});

/** The newest traces of one of Bookinfo's services; each leads to its spans, in Explore. */
export function tracesDashboard(timezone: string) {
  const purpose = "Which way did a request take, and where did its time go?";
  return frame({ title: "Traces", uid: TRACES_DASHBOARD, purpose }, timezone)
    .withVariable(
      new CustomVariableBuilder("service")
        .values([...SERVICES].reverse().join(","))
        .current({ selected: true, text: "productpage", value: "productpage" }),
    )
    .withPanel(
      new TableBuilder().title("Newest traces").datasource(JAEGER).span(24).height(24).withTarget(newest("$service")),
    )
    .build();
}
