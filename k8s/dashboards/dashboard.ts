/** Grafana's names of the units used here. */
export type Unit =
  | "short"
  | "percentunit"
  | "reqps"
  | "ms"
  | "s"
  | "bytes"
  | "Bps"
  | "ops"
  /** Shows how long until then. */
  | "dtdurations";

/** One question to Prometheus. */
export interface Query {
  expr: string;
  /** Name of each line, with labels as `{{label}}`. */
  legend: string;
  /** Why it may be right that there is no data, and on what kind of cluster there is. Every other query has to have some. */
  mayBeEmpty?: string;
}

export interface Panel {
  title: string;
  /** A graph over time, or the present value as a large figure. */
  kind: "graph" | "figure";
  unit: Unit;
  queries: readonly Query[];
  /** Of the 24 columns of a dashboard. */
  width: 3 | 4 | 6 | 8 | 12 | 24;
  /** Shown behind the title, where the title does not say all. */
  description?: string;
  /** From where on a value is bad; below it if `bad` says so. */
  limit?: { value: number; bad: "above" | "below" };
}

export interface Row {
  title: string;
  panels: readonly Panel[];
}

/** A dashboard as data, which {@link render} puts into Grafana's form, and the documentation into drawings. */
export interface Dashboard {
  /** Part of its address in Grafana; never changed, links go by it. */
  uid: string;
  title: string;
  /** What questions it answers. */
  purpose: string;
  rows: readonly Row[];
}

type More = Partial<Pick<Panel, "description" | "limit">>;

export function graph(
  title: string,
  unit: Unit,
  width: Panel["width"],
  queries: readonly Query[],
  more: More = {},
): Panel {
  return { kind: "graph", title, unit, width, queries, ...more };
}

export function figure(
  title: string,
  unit: Unit,
  width: Panel["width"],
  expr: string,
  more: More & Pick<Query, "mayBeEmpty"> = {},
): Panel {
  const { mayBeEmpty, ...rest } = more;
  return {
    kind: "figure",
    title,
    unit,
    width,
    queries: [{ expr, legend: title, ...(mayBeEmpty && { mayBeEmpty }) }],
    ...rest,
  };
}

/** A query; Grafana puts a window of at least four scrapes in place of {@link WINDOW}. */
export const query = (expr: string, legend: string, mayBeEmpty?: string): Query => ({
  expr,
  legend,
  ...(mayBeEmpty && { mayBeEmpty }),
});

/** The window of a rate. */
export const WINDOW = "$__rate_interval";
