import { DASHBOARDS } from "./all";
import type { Dashboard } from "./dashboard";
import { drawing } from "./drawing";

const INTRODUCTION = `# Dashboards

Five dashboards of our own beside those that kube-prometheus-stack brings. They are data in TypeScript (\`k8s/dashboards/\`, a
file each), put into Grafana's form by [its SDK](https://github.com/grafana/grafana-foundation-sdk), and get to Grafana
as ConfigMaps with the label \`grafana_dashboard: "1"\`, which its sidecar watches in every namespace.

\`\`\`
 k8s/dashboards/*.ts ──▶ ConfigMap per dashboard ──▶ sidecar ──▶ Grafana ──▶ Prometheus
        │                 namespace monitoring                  tag daybreak
        └──▶ this page, its drawings included (npm run reference)
\`\`\`

They are read-only in Grafana: change the file and run \`pulumi up -s dev-k8s\`, and the sidecar shows the new one within a
minute. Figures turn red, and graphs have a dashed line, where an [alert](alerts.md) or a promise begins. Every query is parsed by
a unit test, and asked of a real Prometheus by \`npm run test:lab\`, where it has to have data unless it is named below.

Two more stand in the same menu where their extras are on: [Logs](logs.md#asking) and [Traces](traces.md#asking).
`;

function excused({ rows }: Dashboard): string[] {
  const panels = rows.flatMap((row) => row.panels);
  const reasons = panels.flatMap(({ title, queries }) =>
    queries.flatMap(({ mayBeEmpty }) => (mayBeEmpty ? [`- **${title}** may have no data: ${mayBeEmpty}`] : [])),
  );
  return reasons.length > 0 ? ["", ...reasons] : [];
}

function section(dashboard: Dashboard): string[] {
  const { title, uid, purpose } = dashboard;
  return [
    `## ${title}`,
    "",
    `\`/d/${uid}\`. ${purpose}`,
    "",
    "```",
    drawing(dashboard),
    "```",
    ...excused(dashboard),
    "",
  ];
}

/** docs/dashboards.md, made of the dashboards themselves so that it cannot fall behind. */
export function dashboardsPage(): string {
  return [INTRODUCTION, ...DASHBOARDS.flatMap(section)].join("\n");
}

if (require.main === module) process.stdout.write(dashboardsPage());
