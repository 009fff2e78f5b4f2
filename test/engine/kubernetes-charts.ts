/** A Helm repository on loopback with one tiny chart: a ConfigMap that holds the value `text`. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";
import { inCache } from "../../lab/cache";

const TEMPLATE = `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  text: {{ .Values.text | quote }}
`;

const SCHEMA = {
  type: "object",
  additionalProperties: false,
  properties: { text: { type: "string" }, global: { type: "object" } },
};

/** Packages the chart `tiny` 0.1.0 in `directory` and serves it. */
export async function serveCharts(directory: string): Promise<{ url: string; close: () => void }> {
  const chart = join(directory, "tiny");
  mkdirSync(join(chart, "templates"), { recursive: true });
  const metadata = 'apiVersion: v2\nname: tiny\nversion: 0.1.0\nappVersion: "7"\n';
  writeFileSync(join(chart, "Chart.yaml"), metadata);
  writeFileSync(join(chart, "values.yaml"), "text: default\n");
  writeFileSync(join(chart, "values.schema.json"), JSON.stringify(SCHEMA));
  writeFileSync(join(chart, "templates", "text.yaml"), TEMPLATE);
  const helm = inCache("bin", "helm");
  execFileSync(helm, ["package", chart, "--destination", directory], { stdio: "ignore" });
  execFileSync(helm, ["repo", "index", directory], { stdio: "ignore" });
  const server = await listen((name) => readFileSync(join(directory, name)));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}

function listen(read: (name: string) => Buffer): Promise<Server> {
  const server = createServer((request, response) => {
    try {
      response.end(read(basename(request.url ?? "")));
    } catch {
      response.writeHead(404).end();
    }
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}
