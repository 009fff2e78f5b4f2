import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { inShell, output, type Result } from "../lab-cli";

/** Somebody who has the viewer's kubeconfig and nothing else. */
export class Viewer {
  private constructor(
    private readonly lab: string,
    private readonly file: string,
  ) {}

  static async of(lab: string): Promise<Viewer> {
    const kubeconfig = await output(lab, "lab-k8s", "viewerKubeconfig");
    const file = join(mkdtempSync(join(tmpdir(), "daybreak-viewer-")), "kubeconfig");
    writeFileSync(file, kubeconfig, { mode: 0o600 });
    return new Viewer(lab, file);
  }

  kubectl(...args: string[]): Promise<Result> {
    return inShell(this.lab, ["kubectl", "--kubeconfig", this.file, ...args]);
  }
}
