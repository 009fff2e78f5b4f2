import { shell } from "../lab-cli";

const ASK = `curl -sf --get --config <(printf 'user = "admin:%s"' "$PASSWORD") "$@"`;

/** Grafana of a lab, asked by its administrator, whose password no process list shows. */
export class Grafana {
  private outputs?: Promise<{ grafanaUrl: string; grafanaPassword: string }>;

  constructor(private readonly lab: string) {}

  /**
   * @param path of its API
   * @param parameters each a `name=value`, as it is
   */
  async get<T>(path: string, ...parameters: string[]): Promise<T> {
    this.outputs ??= this.readOutputs();
    const { grafanaUrl, grafanaPassword } = await this.outputs;
    const encoded = parameters.flatMap((parameter) => ["--data-urlencode", parameter]);
    const options = [...encoded, `${grafanaUrl}${path}`];
    return JSON.parse(
      await shell(this.lab, ["bash", "-c", ASK, "bash", ...options], { PASSWORD: grafanaPassword }),
    ) as T;
  }

  private async readOutputs() {
    const command = ["pulumi", "stack", "output", "--json", "--show-secrets", "--stack", "lab-k8s"];
    return JSON.parse(await shell(this.lab, command)) as { grafanaUrl: string; grafanaPassword: string };
  }
}
