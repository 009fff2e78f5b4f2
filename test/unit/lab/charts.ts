import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

import { images, KUBE_PROMETHEUS_STACK, LINKERD } from "../../../config/versions";
import { gatewayContainers, gatewayValues } from "../../../k8s/grafana-https/gateway";
import { controlPlaneValues, crdsValues, vizValues } from "../../../k8s/linkerd/values";
import { monitoringValues, typesOnlyValues } from "../../../k8s/monitoring/values";
import { TOOL_VERSIONS } from "../../../lab/build/versions";

interface Schema {
  type?: string | string[];
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
}

const LAB = join(__dirname, "../../../lab");
const read = (path: string): unknown => parse(readFileSync(path, "utf8"));
const schemaOf = (chart: string) => read(join(LAB, "charts", chart, "values.schema.json")) as Schema;

/** Charts with the newest list of the real one's keys, and what the real one's templates read beyond that list. */
const CHARTS: Record<string, { keys: string; beyond: string[] }> = {
  "kube-prometheus-stack": { keys: "88.5.3", beyond: ["grafana.service.nodePort", "grafana.adminPassword"] },
  "linkerd-crds": { keys: "2026.8", beyond: ["enableHttpRoutes"] },
  "linkerd-control-plane": {
    keys: "2026.8",
    beyond: [
      "tolerations",
      "destinationResources",
      "identityResources",
      "proxyInjectorResources",
      "spValidatorResources",
      "policyController.resources",
    ],
  },
  "linkerd-viz": { keys: "2026.8", beyond: [] },
};

/** A schema's objects that name their keys, by path; the path of the whole is empty. */
function named(schema: Schema, path: string[] = []): [string[], Schema][] {
  if (!schema.properties) return [];
  const inner = Object.entries(schema.properties).flatMap(([key, child]) => named(child, [...path, key]));
  return [[path, schema], ...inner];
}

/** The dotted paths of a schema's leaves; a dot inside a key has a backslash, as in test/charts. */
function leaves(schema: Schema, path: string[] = []): string[] {
  if (!schema.properties) return [path.map((key) => key.replaceAll(".", "\\.")).join(".")];
  return Object.entries(schema.properties).flatMap(([key, child]) => leaves(child, [...path, key]));
}

/** Every key that the schema refuses. */
function refused(value: unknown, schema: Schema, path: string[] = []): string[] {
  const { properties } = schema;
  if (!properties || typeof value !== "object" || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([key, child]) => {
    const next = properties[key];
    return next ? refused(child, next, [...path, key]) : [[...path, key].join(".")];
  });
}

describe.each(Object.entries(CHARTS))("the stand-in for %s", (chart, { keys, beyond }) => {
  const schema = schemaOf(chart);

  it("refuses unknown keys at every depth", () => {
    for (const [path, object] of named(schema)) expect([path, object.additionalProperties]).toEqual([path, false]);
  });

  it("knows only keys that the real chart has", () => {
    const file = join(__dirname, "../../charts", `${chart}-${keys}.keys.json`);
    const real = Object.keys((read(file) as { keys: object }).keys);
    const has = (leaf: string) =>
      real.some((key) => key === leaf || key.startsWith(`${leaf}.`) || leaf.startsWith(`${key}.`)) ||
      beyond.some((key) => key === leaf || leaf.startsWith(`${key}.`));
    expect(leaves(schema).filter((leaf) => !has(leaf))).toEqual([]);
  });

  it("has a default for what it knows", () => {
    const defaults = read(join(LAB, "charts", chart, "values.yaml"));
    expect(refused(defaults, schema)).toEqual([]);
    expect(Object.keys(defaults as object).sort()).toEqual(Object.keys(schema.properties ?? {}).sort());
  });

  it("says that it is one", () => {
    const { description } = read(join(LAB, "charts", chart, "Chart.yaml")) as { description: string };
    expect(description).toMatch(/^Lab stand-in, not /);
  });
});

describe("the program's values", () => {
  const identity = {
    trustAnchor: "anchor",
    issuerCertificate: "issuer",
    issuerKey: "key",
    generation: "0123456789abcdef",
  };

  it.each([true, false])("are all known to the stand-ins, pinned %s", (pinToControlPlane) => {
    const https = gatewayValues(gatewayContainers("content"));
    const monitoring = {
      ...{ pinToControlPlane, https, timezone: "browser", adminSecret: "grafana-admin", receivers: {} },
      ...{ scrapeInterval: 5, retention: { days: 15 } },
    };
    expect(refused(monitoringValues(monitoring), schemaOf("kube-prometheus-stack"))).toEqual([]);
    expect(refused(typesOnlyValues(), schemaOf("kube-prometheus-stack"))).toEqual([]);
    for (const on of [true, false]) {
      const choices = { pinToControlPlane, highAvailability: on, scrapeInterval: 5, traces: on };
      const mesh = controlPlaneValues(choices, identity);
      expect(refused(mesh, schemaOf("linkerd-control-plane"))).toEqual([]);
    }
    for (const channel of ["edge", "stable"] as const) {
      expect(refused(crdsValues(channel), schemaOf("linkerd-crds"))).toEqual([]);
      expect(refused(vizValues(channel, identity), schemaOf("linkerd-viz"))).toEqual([]);
    }
  });

  it("would be refused when misspelt", () => {
    expect(refused({ grafana: { servise: {} } }, schemaOf("kube-prometheus-stack"))).toEqual(["grafana.servise"]);
  });
});

describe("what the lab's builder makes", () => {
  const charts = read(join(LAB, "charts/charts.json")) as { name: string; version: string; appVersion: string }[];
  const standIns = (read(join(LAB, "standins/images.json")) as { image: string }[]).map(({ image }) => image);

  it("are charts of every version that is pinned", () => {
    const pins = [
      KUBE_PROMETHEUS_STACK,
      ...Object.values(LINKERD).flatMap(({ crds, controlPlane, viz }) => [crds, controlPlane, viz]),
    ];
    const wanted = pins.map(({ chart, version, appVersion }) => `${chart} ${version} ${appVersion}`);
    const made = charts.map(({ name, version, appVersion }) => `${name} ${version} ${appVersion}`);
    expect(made.sort()).toEqual(wanted.sort());
  });

  it("are the images of Bookinfo and of both Linkerd lines", () => {
    expect(standIns).toEqual(expect.arrayContaining(Object.values(images.bookinfo)));
    for (const { controlPlane } of Object.values(LINKERD))
      for (const part of ["controller", "proxy", "metrics-api", "tap", "web"])
        expect(standIns).toContain(`cr.l5d.io/linkerd/${part}:${controlPlane.appVersion}`);
  });

  it("are the images that the monitoring stack names", () => {
    const defaults = JSON.stringify(read(join(LAB, "charts/kube-prometheus-stack/values.yaml")));
    for (const [repository, tag] of [
      ["prometheus-operator/prometheus-operator", TOOL_VERSIONS["prometheus-operator"]],
      ["prometheus-operator/prometheus-config-reloader", TOOL_VERSIONS["prometheus-operator"]],
      ["prometheus/prometheus", TOOL_VERSIONS.prometheus],
      ["prometheus/alertmanager", TOOL_VERSIONS.alertmanager],
      ["prometheus/node-exporter", TOOL_VERSIONS["node-exporter"]],
      ["kube-state-metrics/kube-state-metrics", TOOL_VERSIONS["kube-state-metrics"]],
    ])
      expect(defaults).toContain(`"repository":"${repository}","tag":"v${tag}"`);
    expect(standIns).toContain("docker.io/grafana/grafana:stand-in");
  });
});
