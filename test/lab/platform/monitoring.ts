import { shell } from "../lab-cli";

const SERVICES = "/api/v1/namespaces/monitoring/services";
const PROMETHEUS = `${SERVICES}/prometheus-kube-prometheus-prometheus:9090/proxy/api/v1`;
const ALERTMANAGER = `${SERVICES}/prometheus-kube-prometheus-alertmanager:9093/proxy/api/v2`;

/** Seconds until Prometheus asks a new target: the operator writes its configuration, and the kubelet looks once a minute. */
export const DISCOVERED_SECONDS = 150;

/** An alert as Alertmanager has it. */
export interface Alert {
  labels: Record<string, string>;
  startsAt: string;
}

/** A rule as Prometheus has it. */
export interface LoadedRule {
  group: string;
  name: string;
  health: string;
  lastError?: string;
}

/** A time series at one moment. */
interface Sample {
  labels: Record<string, string>;
  value: number;
}

/** Prometheus and Alertmanager of a lab, asked through the API server. */
export class Monitoring {
  constructor(private readonly lab: string) {}

  private async get<T>(path: string): Promise<T> {
    return JSON.parse(await shell(this.lab, ["kubectl", "get", "--raw", path])) as T;
  }

  alerts(): Promise<Alert[]> {
    return this.get(`${ALERTMANAGER}/alerts`);
  }

  async rules(): Promise<LoadedRule[]> {
    interface Group {
      name: string;
      rules: { name: string; health: string; lastError?: string }[];
    }
    const { data } = await this.get<{ data: { groups: Group[] } }>(`${PROMETHEUS}/rules`);
    return data.groups.flatMap(({ name, rules }) => rules.map((rule) => ({ ...rule, group: name })));
  }

  /** The values of each query now, those that are no numbers left out. */
  async values(queries: readonly string[]): Promise<number[][]> {
    const answers = await this.ask(queries);
    return answers.map((samples) => samples.map(({ value }) => value).filter((value) => !Number.isNaN(value)));
  }

  /** What a query gives now, with its labels. */
  async series(query: string): Promise<Sample[]> {
    const [samples = []] = await this.ask([query]);
    return samples;
  }

  /** In one shell: going into the lab for each query would take longer than the answers. */
  private async ask(queries: readonly string[]): Promise<Sample[][]> {
    const paths = queries.map((query) => `${PROMETHEUS}/query?query=${encodeURIComponent(query)}`);
    const each = 'for path; do kubectl get --raw "$path"; echo; done';
    const answers = (await shell(this.lab, ["bash", "-ec", each, "bash", ...paths])).trim().split("\n");
    interface Answer {
      data: { result: { metric: Record<string, string>; value: [number, string] }[] };
    }
    return answers.map((answer) =>
      (JSON.parse(answer) as Answer).data.result.map(({ metric, value }) => ({
        labels: metric,
        value: Number(value[1]),
      })),
    );
  }
}
