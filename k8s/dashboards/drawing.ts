import type { Dashboard, Panel } from "./dashboard";

/** Characters for each of a dashboard's 24 columns. */
const SCALE = 4;
const COLUMNS = 24;

/** The title in lines that fit a width. */
function wrap(title: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of title.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Panels of one line of the screen: those that fill the columns together. */
function screenLines(panels: readonly Panel[]): Panel[][] {
  const lines: Panel[][] = [];
  let used = COLUMNS;
  for (const panel of panels) {
    if (used + panel.width > COLUMNS) {
      lines.push([]);
      used = 0;
    }
    lines.at(-1)?.push(panel);
    used += panel.width;
  }
  return lines;
}

function boxes(panels: readonly Panel[]): string[] {
  const widths = panels.map(({ width }) => width * SCALE - 1);
  const titles = panels.map(({ title }, index) => wrap(title, (widths[index] ?? 0) - 2));
  const height = Math.max(...titles.map(({ length }) => length));
  const border = (left: string, between: string, right: string) =>
    left + widths.map((width) => "─".repeat(width)).join(between) + right;
  const line = (row: number) =>
    `│${widths.map((width, index) => ` ${titles[index]?.[row] ?? ""}`.padEnd(width)).join("│")}│`;
  return [border("┌", "┬", "┐"), ...Array.from({ length: height }, (_, row) => line(row)), border("└", "┴", "┘")];
}

/** The layout of a dashboard in characters: rows by their titles, panels as boxes of their width. */
export function drawing({ rows }: Dashboard): string {
  return rows.flatMap(({ title, panels }) => [`▾ ${title}`, ...screenLines(panels).flatMap(boxes)]).join("\n");
}
