import { readdirSync } from "node:fs";
import { join } from "node:path";

/**
 * Makes one suite of a folder's files: jest loads whatever they import anew for each suite, which takes longer than most of what is
 * tested with it. One of them by itself: `npx jest program.test -t k8s/traces`
 */
export function folderSuite(name: string): void {
  const folder = join(__dirname, name);
  for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" }))
    if (file.endsWith(".ts")) describe(file.replace(/\.ts$/, ""), () => void jest.requireActual(join(folder, file)));
}
