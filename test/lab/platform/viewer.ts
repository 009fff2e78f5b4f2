import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { inShell, type Result, shell } from "../lab-cli";

/** Somebody who has the viewer's kubeconfig and nothing else. */
export class Viewer {
  private constructor(
    private readonly lab: string,
    private readonly file: string,
  ) {}

  static async of(lab: string): Promise<Viewer> {
    const output = ["pulumi", "stack", "output", "viewerKubeconfig", "--show-secrets", "--stack", "lab-k8s"];
    const kubeconfig = await shell(lab, output);
    const file = join(mkdtempSync(join(tmpdir(), "daybreak-viewer-")), "kubeconfig");
    writeFileSync(file, kubeconfig, { mode: 0o600 });
    return new Viewer(lab, file);
  }

  kubectl(...args: string[]): Promise<Result> {
    return inShell(this.lab, ["kubectl", "--kubeconfig", this.file, ...args]);
  }
}
