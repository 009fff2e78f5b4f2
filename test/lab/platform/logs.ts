import { randomBytes } from "node:crypto";

import { LOGS_DASHBOARD } from "../../../k8s/logs/dashboard";
import { inShell, lab as labCommand, shell } from "../lab-cli";
import { tell } from "../tell";
import { until } from "../until";
import { upWith } from "./config";
import { Grafana } from "./grafana";
import { DISCOVERED_SECONDS, Monitoring } from "./monitoring";

const MINUTE = 60_000;

/** Seconds until a line is to be found: the kubelet's file, the agent's batch, Loki, and a busy machine. */
const LIMIT_SECONDS = 30;

/** Some programs write at their start and never again, and the platform is older than the hour that Loki looks back. */
const LOOK_BACK_SECONDS = 12 * 3600;

interface Stream {
  stream: Record<string, string>;
  values: [string, string][];
}

/** Logs turned on and off again on a platform that runs, and a line on its way from a container to Grafana. */
export function logsOfThePlatform(lab: string): void {
  const monitoring = new Monitoring(lab);
  const grafana = new Grafana(lab);

  /** What Loki has for a query, asked through Grafana's data source as a dashboard asks. */
  async function lines(query: string): Promise<Stream[]> {
    const path = "/api/datasources/proxy/uid/loki/loki/api/v1/query_range";
    const start = Math.floor(Date.now() / 1000) - LOOK_BACK_SECONDS;
    const { data } = await grafana.get<{ data: { result: Stream[] } }>(
      path,
      `query=${query}`,
      `start=${start}`,
      "limit=5000",
    );
    return data.result;
  }

  const sources = async () => (await grafana.get<{ uid: string }[]>("/api/datasources")).map(({ uid }) => uid).sort();

  beforeAll(async () => {
    await labCommand("build", "--extras", "logs");
    const changes = await upWith(lab, { logs: "true" });
    expect(changes).not.toHaveProperty("replaced");
  }, 20 * MINUTE);

  it(
    "finds a line that a container of Bookinfo writes, and says whose it is",
    async () => {
      const word = `line-${randomBytes(6).toString("hex")}`;
      const write = ["sh", "-c", `echo ${word} > /proc/1/fd/1`];
      await shell(lab, ["kubectl", "-n", "bookinfo", "exec", "deploy/details-v1", "-c", "details", "--", ...write]);
      const { answer, seconds } = await until(
        () => lines(`{k8s_namespace_name="bookinfo"} |= "${word}"`),
        (found) => found.length > 0,
        LIMIT_SECONDS,
      );
      tell(`found after ${seconds.toFixed(1)} s`);
      expect(answer).toHaveLength(1);
      expect(answer[0]?.values.map(([, line]) => line)).toEqual([word]);
      expect(answer[0]?.stream).toMatchObject({
        k8s_namespace_name: "bookinfo",
        k8s_pod_name: expect.stringMatching(/^details-v1-/) as string,
        k8s_container_name: "details",
      });
      expect(await lines(`{k8s_namespace_name="traffic"} |= "${word}"`)).toEqual([]);
    },
    3 * MINUTE,
  );

  it(
    "reads every node, the control plane too",
    async () => {
      const { answer } = await until(
        async () =>
          new Set((await lines('{k8s_namespace_name=~"kube-.+"}')).map(({ stream }) => stream["k8s_node_name"])),
        (nodes) => nodes.size === 3,
        LIMIT_SECONDS,
      );
      expect([...answer].sort()).toEqual(["control-plane", "worker-1", "worker-2"]);
    },
    3 * MINUTE,
  );

  it(
    "is read by Prometheus and listed in Grafana",
    async () => {
      const { answer } = await until(
        () => monitoring.values(['sum(up{job="logs/loki"})', 'sum(up{job="logs/log-agent"})']),
        (values) => values.flat().join() === "1,3",
        DISCOVERED_SECONDS,
      );
      expect(answer).toEqual([[1], [3]]);
      expect(await sources()).toEqual(["loki", "prometheus"]);
      const dashboard = await grafana.get(`/api/dashboards/uid/${LOGS_DASHBOARD}`);
      expect(JSON.stringify(dashboard)).toContain("k8s_namespace_name");
    },
    5 * MINUTE,
  );

  it(
    "is gone once it is turned off, from Grafana too",
    async () => {
      await upWith(lab, {});
      const namespaces = await shell(lab, ["kubectl", "get", "namespaces", "-o", "name"]);
      expect(namespaces).not.toContain("namespace/logs");
      const { answer } = await until(sources, (uids) => uids.join() === "prometheus", LIMIT_SECONDS);
      expect(answer).toEqual(["prometheus"]);
      const { exitCode } = await inShell(lab, ["kubectl", "-n", "monitoring", "get", "configmap", LOGS_DASHBOARD]);
      expect(exitCode).not.toBe(0);
    },
    5 * MINUTE,
  );
}
