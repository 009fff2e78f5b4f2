import {
  BigValueColorMode,
  BigValueGraphMode,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from "@grafana/grafana-foundation-sdk/common";
import {
  DashboardCursorSync,
  type Dashboard as GrafanaDashboard,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as FigureBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as GraphBuilder } from "@grafana/grafana-foundation-sdk/timeseries";

import type { Dashboard, Panel, Query } from "./dashboard";
import { frame } from "./frame";

/** The data source that the chart makes. */
const PROMETHEUS = { type: "prometheus", uid: "prometheus" };

/** In Grafana's units of 30 pixels. */
const HEIGHT = { figure: 4, graph: 8 };

const letter = (index: number): string => String.fromCharCode("A".charCodeAt(0) + index);

function target({ expr, legend }: Query, index: number, kind: Panel["kind"]): DataqueryBuilder {
  const asked = new DataqueryBuilder().refId(letter(index)).expr(expr).legendFormat(legend).datasource(PROMETHEUS);
  return kind === "figure" ? asked.instant() : asked.range();
}

function thresholds({ limit }: Panel): ThresholdsConfigBuilder {
  const [good, bad] = ["green", "red"];
  const from = (below: string, above: string) => [
    // Without a value: from the least on.
    { color: below, value: null },
    ...(limit ? [{ color: above, value: limit.value }] : []),
  ];
  const steps = limit?.bad === "below" ? from(bad, good) : from(good, bad);
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps);
}

function description({ description: said, queries }: Panel): string {
  const reasons = queries.flatMap(({ mayBeEmpty }) => (mayBeEmpty ? [mayBeEmpty] : []));
  return [...(said ? [said] : []), ...reasons].join(" ");
}

function graphPanel({ limit }: Panel): GraphBuilder {
  const line = limit ? GraphThresholdsStyleMode.Dashed : GraphThresholdsStyleMode.Off;
  return new GraphBuilder()
    .lineWidth(1)
    .thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(line))
    .fillOpacity(8)
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(true),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi));
}

function figurePanel(): FigureBuilder {
  return new FigureBuilder()
    .colorMode(BigValueColorMode.Value)
    .graphMode(BigValueGraphMode.None)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(["lastNotNull"]));
}

function panel(shown: Panel): GraphBuilder | FigureBuilder {
  const made = shown.kind === "graph" ? graphPanel(shown) : figurePanel();
  made
    .title(shown.title)
    .description(description(shown))
    .datasource(PROMETHEUS)
    .unit(shown.unit)
    .span(shown.width)
    .height(HEIGHT[shown.kind])
    .thresholds(thresholds(shown));
  if (shown.unit === "percentunit") made.max(1);
  shown.queries.forEach((asked, index) => made.withTarget(target(asked, index, shown.kind)));
  return made;
}

/** A dashboard of Prometheus' figures in Grafana's own form; its graphs share one cross-hair. */
export function render(shown: Dashboard, timezone: string): GrafanaDashboard {
  const made = frame(shown, timezone).tooltip(DashboardCursorSync.Crosshair);
  for (const row of shown.rows) {
    made.withRow(new RowBuilder(row.title));
    row.panels.forEach((each) => made.withPanel(panel(each)));
  }
  return made.build();
}
