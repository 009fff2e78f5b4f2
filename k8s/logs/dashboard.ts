import {
  GraphDrawStyle,
  LogsSortOrder,
  StackingConfigBuilder,
  StackingMode,
} from "@grafana/grafana-foundation-sdk/common";
import {
  QueryVariableBuilder,
  TextBoxVariableBuilder,
  VariableRefresh,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { PanelBuilder as LinesBuilder } from "@grafana/grafana-foundation-sdk/logs";
import { DataqueryBuilder } from "@grafana/grafana-foundation-sdk/loki";
import { PanelBuilder as GraphBuilder } from "@grafana/grafana-foundation-sdk/timeseries";

import { frame } from "../dashboards/frame";

/** Part of its address in Grafana. */
export const LOGS_DASHBOARD = "daybreak-logs";

/** Our data source. */
const LOKI = { type: "loki", uid: "loki" };

/** Lines of the chosen namespaces and containers with the text in them; `|~` takes it as a regular expression. */
const CHOSEN = '{k8s_namespace_name=~"$namespace",k8s_container_name=~"$container"} |~ "(?i)$text"';

/** LogQL's own window for Grafana's resolution. */
const WINDOW = "$__auto";

const asked = (expr: string, legend = "") =>
  new DataqueryBuilder().refId("A").expr(expr).legendFormat(legend).datasource(LOKI).queryType("range");

function labelVariable(name: string, label: string, stream: string) {
  return new QueryVariableBuilder(name)
    .datasource(LOKI)
    .query({ label, refId: name, stream, type: 1 })
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .multi(true)
    .includeAll(true)
    .allValue(".+");
}

/** Lines over time, and the lines, of what is chosen above them: Bookinfo to begin with. */
export function logsDashboard(timezone: string) {
  const count = `sum by (k8s_container_name) (count_over_time(${CHOSEN} [${WINDOW}]))`;
  return frame({ title: "Logs", uid: LOGS_DASHBOARD, purpose: "What did the containers write?" }, timezone)
    .withVariable(
      labelVariable("namespace", "k8s_namespace_name", "").current({
        selected: true,
        text: "bookinfo",
        value: "bookinfo",
      }),
    )
    .withVariable(
      labelVariable("container", "k8s_container_name", '{k8s_namespace_name=~"$namespace"}').current({
        selected: true,
        text: "All",
        value: "$__all",
      }),
    )
    .withVariable(new TextBoxVariableBuilder("text").label("with the text"))
    .withPanel(
      new GraphBuilder()
        .title("Lines")
        .datasource(LOKI)
        .unit("short")
        .span(24)
        .height(6)
        .drawStyle(GraphDrawStyle.Bars)
        .fillOpacity(80)
        .stacking(new StackingConfigBuilder().mode(StackingMode.Normal))
        .withTarget(asked(count, "{{k8s_container_name}}")),
    )
    .withPanel(
      new LinesBuilder()
        .title("What they say")
        .datasource(LOKI)
        .span(24)
        .height(20)
        .showTime(true)
        .wrapLogMessage(true)
        .enableLogDetails(true)
        .sortOrder(LogsSortOrder.Descending)
        .withTarget(asked(CHOSEN).maxLines(500)),
    )
    .build();
}
