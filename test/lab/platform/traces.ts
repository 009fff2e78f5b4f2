import { randomBytes } from "node:crypto";

import { TRACES_DASHBOARD } from "../../../k8s/traces/dashboard";
import { lab as labCommand, output, shell } from "../lab-cli";
import { until } from "../until";
import { upWith } from "./config";
import { Grafana } from "./grafana";
import { DISCOVERED_SECONDS, Monitoring } from "./monitoring";

const MINUTE = 60_000;

/** Seconds until a trace is whole: proxies and the collector send every second; a new pod has to be known first. */
const LIMIT_SECONDS = 60;

const JAEGER = "/api/v1/namespaces/traces/services/jaeger:16686/proxy/api";

interface Trace {
  spans: { spanID: string; processID: string; references: { spanID: string }[] }[];
  processes: Record<string, { serviceName: string }>;
}

/** Traces turned on and off again on a platform that runs, and one request on its way through Bookinfo. */
export function tracesOfThePlatform(lab: string): void {
  const monitoring = new Monitoring(lab);
  const jaeger = async <T>(path: string): Promise<T> => {
    const text = await shell(lab, ["kubectl", "get", "--raw", `${JAEGER}${path}`]);
    return (JSON.parse(text) as { data: T }).data;
  };
  const services = ({ spans, processes }: Trace) =>
    new Set(spans.map(({ processID }) => processes[processID]?.serviceName ?? "?"));

  /** One request with a trace of its own; what Jaeger has of it once these services are in it. */
  async function traced(wanted: readonly string[]): Promise<{ trace: Trace; root: string }> {
    const [id, root] = [randomBytes(16).toString("hex"), randomBytes(8).toString("hex")];
    const url = await output(lab, "lab-k8s", "bookinfoUrl");
    await shell(lab, ["curl", "-sf", "-o", "/dev/null", "-H", `traceparent: 00-${id}-${root}-01`, url]);
    const { answer: trace } = await until(
      async () => (await jaeger<Trace[]>(`/traces/${id}`).catch(() => []))[0],
      (found) => found !== undefined && wanted.every((service) => services(found).has(service)),
      LIMIT_SECONDS,
    );
    if (!trace) throw new Error(`Jaeger has no span of the trace after ${LIMIT_SECONDS} s`);
    return { trace, root };
  }

  beforeAll(async () => {
    await labCommand("build", "--extras", "traces");
    // All requests to a version of reviews that calls ratings.
    await upWith(lab, { traces: "true", "reviewsWeights.v1": "0", "reviewsWeights.v2": "0", "reviewsWeights.v3": "1" });
  }, 20 * MINUTE);

  it(
    "shows one request as one trace over productpage, details, reviews and ratings",
    async () => {
      const wanted = ["productpage", "details", "reviews", "ratings"];
      const { trace, root } = await traced(wanted);
      expect([...services(trace)].sort()).toEqual([...wanted].sort());
      // Every span hangs on another one of the trace, and one on the request itself.
      const known = new Set([root, ...trace.spans.map(({ spanID }) => spanID)]);
      const parents = trace.spans.flatMap(({ references }) => references.map(({ spanID }) => spanID));
      expect(parents).toHaveLength(trace.spans.length);
      expect(parents.filter((parent) => !known.has(parent))).toEqual([]);
      expect(parents).toContain(root);
    },
    3 * MINUTE,
  );

  it(
    "has traces of the standing traffic, which productpage begins, and is read by Prometheus",
    async () => {
      expect(await jaeger<string[]>("/services")).toEqual(expect.arrayContaining(["details", "reviews"]));
      const found = await jaeger<Trace[]>("/traces?service=reviews&limit=5");
      expect(found.length).toBeGreaterThan(1);
      const { answer } = await until(
        () => monitoring.values(['sum(up{job="traces/jaeger"})', 'sum(up{job="traces/trace-collector"})']),
        (values) => values.flat().join() === "1,1",
        DISCOVERED_SECONDS,
      );
      expect(answer).toEqual([[1], [1]]);
    },
    5 * MINUTE,
  );

  it(
    "is shown by Grafana: Jaeger answers its data source, and the dashboard asks that",
    async () => {
      const grafana = new Grafana(lab);
      const path = "/api/datasources/proxy/uid/jaeger/api/traces";
      const { data } = await grafana.get<{ data: Trace[] }>(path, "service=productpage", "limit=30");
      expect(data.length).toBeGreaterThan(1);
      const dashboard = await grafana.get(`/api/dashboards/uid/${TRACES_DASHBOARD}`);
      expect(JSON.stringify(dashboard)).toContain('"service":"$service"');
    },
    3 * MINUTE,
  );

  it(
    "is gone once it is turned off, from the proxies too",
    async () => {
      await upWith(lab, {});
      expect(await shell(lab, ["kubectl", "get", "namespaces", "-o", "name"])).not.toContain("namespace/traces");
      const { items } = JSON.parse(await shell(lab, ["kubectl", "-n", "bookinfo", "get", "pods", "-o", "json"])) as {
        items: { metadata: { name: string; deletionTimestamp?: string } }[];
      };
      // The old ones may be leaving still.
      const staying = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
      expect(staying.length).toBeGreaterThan(5);
      const told = staying.filter((pod) => JSON.stringify(pod).includes("TRACE_COLLECTOR"));
      expect(told.map(({ metadata }) => metadata.name)).toEqual([]);
    },
    5 * MINUTE,
  );
}
