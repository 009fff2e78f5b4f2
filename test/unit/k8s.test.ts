/**
 * The workloads program, in one suite: jest loads Pulumi's SDK anew for each, which takes longer than most of what is
 * tested with it. One of them by itself: `npx jest k8s.test -t traces`
 */
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";

const FOLDER = join(__dirname, "k8s");

for (const file of readdirSync(FOLDER))
  describe(basename(file, ".ts"), () => void jest.requireActual(join(FOLDER, file)));
