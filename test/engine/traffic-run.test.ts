/** A load from a Job against a played API server, with the whole Kubernetes client: unit tests go without its types. */
import { KubeConfig, type V1Job, type V1Pod } from "@kubernetes/client-node";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { NoReport, runLoad } from "../../traffic/run";

/** As much of an API server as a load meets: it holds one Job, tells its pod's states one after the other, and its log. */
class FakeApi {
  jobs = new Map<string, V1Job>();
  asked = 0;
  private readonly server: Server;

  constructor(
    private readonly states: NonNullable<V1Pod["status"]>[],
    private readonly log: string,
  ) {
    this.server = createServer((request, response) => {
      void bodyOf(request).then((body) => {
        const [status, answer] = this.answer(request.method ?? "", new URL(request.url ?? "", "http://api"), body);
        const text = typeof answer === "string";
        response.writeHead(status, { "content-type": text ? "text/plain" : "application/json" });
        response.end(text ? answer : JSON.stringify(answer));
      });
    });
  }

  async listen(): Promise<KubeConfig> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    const kubeConfig = new KubeConfig();
    const { port } = this.server.address() as AddressInfo;
    const cluster = { name: "fake", server: `http://127.0.0.1:${port}`, skipTLSVerify: true };
    kubeConfig.loadFromClusterAndUser(cluster, { name: "nobody" });
    return kubeConfig;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private answer(method: string, { pathname }: URL, body: string): [number, unknown] {
    const job = pathname.split("/jobs/")[1] ?? "";
    if (method === "POST") {
      const made = JSON.parse(body) as V1Job;
      this.jobs.set(made.metadata?.name ?? "", made);
      return [201, made];
    }
    if (method === "DELETE") return this.jobs.delete(job) ? [200, {}] : [404, {}];
    if (job) return this.jobs.has(job) ? [200, {}] : [404, {}];
    if (pathname.endsWith("/log")) return [200, this.log];
    const status = this.states[Math.min(this.asked++, this.states.length - 1)];
    return [200, { items: [{ metadata: { name: "pod" }, spec: { containers: [] }, status }] }];
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  return body;
}

const container = (state: object) => ({
  containerStatuses: [{ name: "fortio", image: "", imageID: "", ready: true, restartCount: 0, state }],
});
const RUNNING = container({ running: {} });
const ENDED = container({ terminated: { exitCode: 0 } });
const REPORT = `text\n{\n "ActualQPS": 9.9, "RetCodes": {"200": 99},\n "DurationHistogram": {"Avg": 0.01, "Percentiles": []}\n}\n`;

let api: FakeApi | undefined;
afterEach(() => api?.close());

async function run(states: NonNullable<V1Pod["status"]>[], log: string, interrupt = new AbortController().signal) {
  api = new FakeApi(states, log);
  const kubeConfig = await api.listen();
  const load = { url: "http://page/", rate: 10, extent: { seconds: 10 } };
  return runLoad(kubeConfig, { namespace: "traffic", load, interrupt });
}

describe("a load from a Job", () => {
  it("ends with its container, and the Job goes", async () => {
    const { report } = await run([{ phase: "Pending" }, RUNNING, ENDED], REPORT);
    expect(report).toMatchObject({ requests: 99, errors: 0 });
    expect(api?.jobs.size).toBe(0);
  });

  it("that gave up says fortio's last words, and the Job goes", async () => {
    await expect(run([RUNNING, ENDED], "Aborting because of no such host")).rejects.toThrow(/no such host/);
    expect(api?.jobs.size).toBe(0);
  });

  it("that is interrupted stops at once, and the Job goes", async () => {
    const interrupt = new AbortController();
    const result = run([RUNNING], REPORT, interrupt.signal);
    setTimeout(() => interrupt.abort(130), 200);
    await expect(result).rejects.toThrow(NoReport);
    expect(api?.asked).toBeLessThan(5);
    expect(api?.jobs.size).toBe(0);
  });
});
