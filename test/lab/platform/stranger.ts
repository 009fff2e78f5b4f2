import { images } from "../../../config/versions";
import { inShell, shell } from "../lab-cli";

/** A pod that belongs to nothing, in a namespace of its choice, and tries connections. */
export class Stranger {
  private constructor(
    private readonly lab: string,
    private readonly namespace: string,
  ) {}

  static async in(lab: string, namespace: string): Promise<Stranger> {
    const run = ["kubectl", "--namespace", namespace, "run", "stranger", `--image=${images.agnhost}`, "--", "pause"];
    await shell(lab, run);
    const ready = ["kubectl", "--namespace", namespace, "wait", "pod/stranger", "--for=condition=Ready"];
    await shell(lab, [...ready, "--timeout=60s"]);
    return new Stranger(lab, namespace);
  }

  /** agnhost's one word: nothing when the connection is there, `TIMEOUT` when nobody answers within 3 s. */
  async connect(target: string): Promise<string> {
    const exec = ["kubectl", "--namespace", this.namespace, "exec", "stranger", "--"];
    const { stdout, stderr } = await inShell(this.lab, [...exec, "/agnhost", "connect", "--timeout=3s", target]);
    return /TIMEOUT|REFUSED|DNS|OTHER/.exec(`${stdout}\n${stderr}`)?.[0] ?? "";
  }

  async leave(): Promise<void> {
    await shell(this.lab, ["kubectl", "--namespace", this.namespace, "delete", "pod", "stranger", "--now"]);
  }
}
