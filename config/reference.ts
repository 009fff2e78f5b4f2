import type { KeyDocumentation } from "./key";
import { infraShape, k8sShape } from "./schema";

type Shape = Record<string, { meta(): unknown }>;

/** The configuration reference as Markdown, made of the schemas' own documentation so that it cannot fall behind. */
export function renderReference(): string {
  return [
    "# Configuration",
    "",
    "Every key stands in the namespace `daybreak:` of its stack. Set one with `pulumi config set -s <stack> <example>`;",
    "all violations are reported at once, before anything is created. This page is made by `npm run reference`.",
    "",
    ...section("Infra stack (`layer: infra`)", infraShape),
    ...section("Workloads stack (`layer: k8s`)", k8sShape),
  ].join("\n");
}

function section(title: string, shape: Shape): string[] {
  const rows = Object.entries(shape).map(([name, schema]) => {
    const { description, allowed, example } = schema.meta() as KeyDocumentation;
    return `| \`${name}\` | ${cell(description)} | ${cell(allowed)} | \`${cell(example)}\` |`;
  });
  return [`## ${title}`, "", "| Key | What it does | Allowed | Example |", "| --- | --- | --- | --- |", ...rows, ""];
}

/** A bar would end the table's cell. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

if (require.main === module) process.stdout.write(renderReference());
