import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Lab } from "../../../lab/lab";
import { summarize, updatesEnded, wasKilled } from "../../../lab/pulumi";

describe("an update that was killed", () => {
  let dir: string;
  const lock = (content: object) =>
    writeFileSync(join(dir, "pulumi/.pulumi/locks/lab", "a.json"), JSON.stringify(content));
  const killed = () => wasKilled({ dir } as Lab);

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "daybreak-locks-"));
    mkdirSync(join(dir, "pulumi/.pulumi/locks/lab"), { recursive: true });
  });

  afterEach(() => rmSync(dir, { recursive: true }));

  it("is known by its lock, whose process is gone", () => {
    // Above the kernel's largest process id.
    lock({ pid: 2 ** 22 + 1 });
    expect(killed()).toBe(true);
  });

  it("is told from one that runs", () => {
    lock({ pid: process.pid });
    expect(killed()).toBe(false);
  });

  it("is told from one that an earlier start left running, which is waited for", async () => {
    lock({ pid: process.pid });
    const lines: string[] = [];
    let over = false;
    const wait = updatesEnded({ dir } as Lab, (line) => lines.push(line)).then(() => (over = true));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect({ lines, over }).toEqual({ lines: [expect.stringContaining(`process ${process.pid}`)], over: false });
    rmSync(join(dir, "pulumi/.pulumi/locks/lab/a.json"));
    await wait;
  });

  it("is told from one that ended, which leaves no lock", () => {
    expect(killed()).toBe(false);
  });
});

test("an update's closing summary is read by what became of the resources", () => {
  expect(
    summarize("Diagnostics:\n\nResources:\n    + 34 created\n    ~ 1 updated\n    2 unchanged\n\nDuration: 3s"),
  ).toEqual({
    created: 34,
    updated: 1,
    unchanged: 2,
  });
});
