import { parser } from "@prometheus-io/lezer-promql";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { DASHBOARDS } from "../../../../k8s/dashboards/all";
import { WINDOW } from "../../../../k8s/dashboards/dashboard";
import { drawing } from "../../../../k8s/dashboards/drawing";
import { dashboardsPage } from "../../../../k8s/dashboards/page";
import { render } from "../../../../k8s/dashboards/render";
import { type Run, runK8s, SETTINGS } from "../../k8s-program";

const panels = DASHBOARDS.flatMap(({ title, rows }) =>
  rows.flatMap((row) => row.panels.map((panel) => ({ dashboard: title, panel }))),
);
const queries = panels.flatMap(({ dashboard, panel }) =>
  panel.queries.map(({ expr, legend }) => ({ where: `${dashboard}: ${panel.title}`, expr, legend })),
);

/** What the parser could not read; empty for PromQL. */
function faults(expr: string): string[] {
  const found: string[] = [];
  parser.parse(expr).iterate({
    enter: ({ type, from, to }) => {
      if (type.isError) found.push(`${expr.slice(0, from)}‸${expr.slice(from, to)}`);
    },
  });
  return found;
}

const forPrometheus = (expr: string): string => expr.replaceAll(WINDOW, "1m");

describe("the queries", () => {
  it.each(queries)("$where: PromQL", ({ expr }) => {
    expect(faults(forPrometheus(expr))).toEqual([]);
  });

  it("are parsed by a test that finds faults", () => {
    expect(faults("sum by (a (rate(b[1m]))")).not.toEqual([]);
    expect(faults('a{b="c"')).not.toEqual([]);
  });

  it("name in their legends only labels that they have", () => {
    for (const { where, expr, legend } of queries) {
      const named = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label ?? "");
      const has = (label: string) =>
        new RegExp(`by \\([^)]*\\b${label}\\b`).test(expr) || !/\b(sum|max|min|avg)\b/.test(expr);
      expect([where, named.filter((label) => !has(label))]).toEqual([where, []]);
    }
  });

  it("use one window for every rate that is drawn, as long as Grafana finds right", () => {
    for (const { where, expr } of queries)
      expect([where, /\brate\([^[]*\[(?!\$__rate_interval\])/.test(expr)]).toEqual([where, false]);
  });
});

describe("the dashboards", () => {
  it("have addresses, titles and panels of their own", () => {
    expect(new Set(DASHBOARDS.map(({ uid }) => uid)).size).toBe(DASHBOARDS.length);
    for (const { uid, title, rows } of DASHBOARDS) {
      expect(uid).toMatch(/^daybreak-[a-z]{1,31}$/);
      const titles = rows.flatMap((row) => row.panels.map((panel) => `${row.title}: ${panel.title}`));
      expect([title, new Set(titles).size]).toEqual([title, titles.length]);
    }
  });

  interface Placed {
    type: string;
    title: string;
    gridPos: { x: number; y: number; w: number; h: number };
    targets?: { expr: string; datasource: { uid: string } }[];
  }

  it.each(DASHBOARDS)("$title: no panel lies over another or out of the 24 columns", (dashboard) => {
    const { panels: placed } = JSON.parse(JSON.stringify(render(dashboard, "utc"))) as { panels: Placed[] };
    const taken = new Map<string, string>();
    for (const { title, gridPos } of placed) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect([title, taken.get(`${x} ${y}`)]).toEqual([title, undefined]);
          taken.set(`${x} ${y}`, title);
        }
    }
  });

  it.each(DASHBOARDS)("$title: every query goes to the chart's data source", (dashboard) => {
    const made = JSON.parse(JSON.stringify(render(dashboard, "Asia/Seoul"))) as { panels: Placed[]; timezone: string };
    const targets = made.panels.flatMap((panel) => panel.targets ?? []);
    const wanted = dashboard.rows.flatMap((row) => row.panels.flatMap((panel) => panel.queries));
    expect(targets.map(({ expr }) => expr)).toEqual(wanted.map(({ expr }) => expr));
    expect(new Set(targets.map(({ datasource }) => datasource.uid))).toEqual(new Set(["prometheus"]));
    expect(made.timezone).toBe("Asia/Seoul");
  });
});

describe("in the cluster", () => {
  let run: Run;
  beforeAll(async () => {
    run = await runK8s(SETTINGS);
  }, 60_000);

  it("are ConfigMaps that Grafana's sidecar finds, and small enough for one", () => {
    const maps = run.resources.filter(({ type }) => type === "kubernetes:core/v1:ConfigMap");
    expect(maps.map(({ name }) => name).sort()).toEqual(DASHBOARDS.map(({ uid }) => uid).sort());
    for (const { name, inputs } of maps) {
      expect(inputs["metadata"]).toEqual({ name, namespace: "monitoring", labels: { grafana_dashboard: "1" } });
      const text = (inputs["data"] as Record<string, string>)[`${name}.json`] ?? "";
      expect(JSON.parse(text)).toMatchObject({ uid: name, timezone: "Asia/Seoul", editable: false });
      expect(text.length).toBeLessThan(2 ** 20);
    }
  });

  it("wait for nothing but their namespace", () => {
    expect(run.get("core/v1:ConfigMap", "daybreak-platform").dependsOn).toEqual(["monitoring"]);
  });
});

describe("their page", () => {
  it("docs/dashboards.md is what the dashboards say (npm run reference writes it)", () => {
    expect(readFileSync(join(__dirname, "../../../../docs/dashboards.md"), "utf8")).toBe(dashboardsPage());
  });

  it("draws every panel where it is", () => {
    const panel = (title: string, width: 6 | 12) => ({
      kind: "graph" as const,
      title,
      unit: "s" as const,
      width,
      queries: [],
    });
    const rows = [{ title: "Row", panels: [panel("One of them", 12), panel("Another", 12), panel("A third one", 6)] }];
    expect(drawing({ uid: "a", title: "A", purpose: "", rows })).toBe(
      [
        "▾ Row",
        `┌${"─".repeat(47)}┬${"─".repeat(47)}┐`,
        `│${" One of them".padEnd(47)}│${" Another".padEnd(47)}│`,
        `└${"─".repeat(47)}┴${"─".repeat(47)}┘`,
        `┌${"─".repeat(23)}┐`,
        `│${" A third one".padEnd(23)}│`,
        `└${"─".repeat(23)}┘`,
      ].join("\n"),
    );
  });
});
