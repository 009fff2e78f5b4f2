/** The lab's stand-ins, by their own tests: what they play is only worth something where they play it right. */
import { join } from "node:path";

import { goEnvironment } from "../../lab/build/go-build";
import { outcome } from "./outcome";

const MODULE = join(__dirname, "..", "..", "lab", "standins");

jest.setTimeout(5 * 60_000);

const run = (command: string, ...args: string[]) => outcome(command, args, MODULE, goEnvironment());

test("the stand-ins pass their own tests, and go vet", async () => {
  // With -trimpath, as they are built, what they need of Go itself is compiled already.
  const result = await run("go", "test", "-trimpath", "-vet=all", "./...");
  expect(result).toEqual({ exitCode: 0, all: expect.not.stringContaining("FAIL") as string });
});

test("they are formatted as Go is", async () => {
  expect(await run("gofmt", "-l", ".")).toEqual({ exitCode: 0, all: "" });
});
