import { setTimeout as sleep } from "node:timers/promises";

import { DASHBOARDS } from "../../../k8s/dashboards/all";
import { WINDOW } from "../../../k8s/dashboards/dashboard";
import { tell } from "../tell";
import { Grafana } from "./grafana";
import { Monitoring } from "./monitoring";

const MINUTE = 60_000;

/** The shortest window that Grafana uses at a scrape interval of 5 s: who has data in it has data in every other. */
const SHORTEST_WINDOW = "20s";

const QUERIES = DASHBOARDS.flatMap(({ title, rows }) =>
  rows.flatMap(({ panels }) =>
    panels.flatMap((panel) =>
      panel.queries.map(({ expr, mayBeEmpty }) => ({
        where: `${title}: ${panel.title}`,
        expr: expr.replaceAll(WINDOW, SHORTEST_WINDOW),
        mayBeEmpty,
      })),
    ),
  ),
);

/** Our dashboards on a platform that runs: Grafana lists them, and Prometheus has data for their queries. */
export function dashboardsOnThePlatform(lab: string): void {
  const monitoring = new Monitoring(lab);

  it(
    "has data for every query of every dashboard, but for those that are named",
    async () => {
      let without = QUERIES;
      // A rate needs its window first, and the slowest figures are recorded once a minute.
      for (let turn = 0; turn < 6 && without.some(({ mayBeEmpty }) => !mayBeEmpty); turn++) {
        if (turn > 0) await sleep(10_000);
        const values = await monitoring.values(without.map(({ expr }) => expr));
        without = without.filter((_, index) => values[index]?.length === 0);
      }
      expect(without.filter(({ mayBeEmpty }) => !mayBeEmpty).map(({ where, expr }) => `${where}: ${expr}`)).toEqual([]);
      tell(`without data, as expected: ${without.map(({ where }) => where).join("; ") || "none"}`);
    },
    8 * MINUTE,
  );

  it(
    "shows each of them in Grafana",
    async () => {
      const found = await new Grafana(lab).get<{ uid: string; title: string }[]>("/api/search");
      const wanted = DASHBOARDS.map(({ uid, title }) => expect.objectContaining({ uid, title }) as object);
      expect(found).toEqual(expect.arrayContaining(wanted));
    },
    6 * MINUTE,
  );
}
