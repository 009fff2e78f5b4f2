import { readFileSync } from "node:fs";
import { join } from "node:path";

import type { AlertReceivers } from "../../../config/alerts";
import { KUBE_PROMETHEUS_STACK, LINKERD, type LinkerdChannel } from "../../../config/versions";
import { gatewayContainers, gatewayValues } from "../../../k8s/grafana-https/gateway";
import { controlPlaneValues, crdsValues, vizValues } from "../../../k8s/linkerd/values";
import { monitoringValues, typesOnlyValues } from "../../../k8s/monitoring/values";
import type { Values } from "../../../k8s/values";

/** Value keys that a chart's values.yaml lists, with the kind of their defaults; a map or a list may hold more. */
type Kind = "map" | "list" | "string" | "number" | "boolean" | "null";

/**
 * Keys that the charts' templates read although their values.yaml shows them in comments only. Each was looked up in
 * the template named; the charts are those of test/charts.
 */
const READ_BY_TEMPLATES: Record<string, Record<string, Kind>> = {
  "kube-prometheus-stack": {
    // grafana/templates/service.yaml
    "grafana.service.nodePort": "number",
  },
  "linkerd-control-plane": {
    // templates/{destination,identity,proxy-injector}.yaml, through partials/_tolerations.tpl
    tolerations: "list",
    // the same files, through partials/_resources.tpl
    destinationResources: "map",
    spValidatorResources: "map",
    identityResources: "map",
    proxyInjectorResources: "map",
    // partials/_nodeselector.tpl prints the whole map
    nodeSelector: "map",
  },
};

function knownKeys(chart: string, line: string): Map<string, Kind> {
  const file = join(__dirname, "../../charts", `${chart}-${line}.keys.json`);
  const { keys } = JSON.parse(readFileSync(file, "utf8")) as { keys: Record<string, Kind> };
  return new Map(Object.entries({ ...keys, ...READ_BY_TEMPLATES[chart] }));
}

const isMap = (value: unknown): value is Values => typeof value === "object" && value !== null && !Array.isArray(value);

function fits(value: unknown, kind: Kind): boolean {
  if (kind === "null") return true;
  if (kind === "list") return Array.isArray(value);
  if (kind === "map") return isMap(value);
  return typeof value === kind;
}

/** Every set key that the chart does not know, or knows as another kind of value. */
function unknownKeys(values: Values, known: Map<string, Kind>, path: string[] = []): string[] {
  return Object.entries(values).flatMap(([name, value]) => {
    const here = [...path, name.replaceAll(".", "\\.")];
    const key = here.join(".");
    const kind = known.get(key);
    if (kind === "map") return fits(value, kind) ? [] : [`${key}: not a map`];
    if (kind !== undefined) return fits(value, kind) ? [] : [`${key}: not of kind ${kind}`];
    const below = isMap(value) && [...known.keys()].some((other) => other.startsWith(`${key}.`));
    return below ? unknownKeys(value, known, here) : [key];
  });
}

/** Every receiver, so that every part of Alertmanager's configuration is there. */
const receivers: AlertReceivers = {
  webhook: { url: "https://alerts.example.com", severity: "warning" },
  slack: { url: "https://hooks.example.com", severity: "warning" },
  email: { to: "a@b", from: "c@d", smarthost: "e:25", requireTls: true, severity: "critical" },
};

const identity = {
  trustAnchor: "anchor",
  issuerCertificate: "issuer",
  issuerKey: "key",
  generation: "0123456789abcdef",
};

const VOLUME = { sizeGib: 50, storageClass: "gp3" };

const monitoring = (pinToControlPlane: boolean, volume?: typeof VOLUME) =>
  monitoringValues({
    ...{
      pinToControlPlane,
      https: gatewayValues(gatewayContainers("content")),
      timezone: "browser",
      adminSecret: "grafana-admin",
      receivers,
    },
    ...{ scrapeInterval: 5, retention: { days: 15, volume } },
  });

describe("every Helm value that we set is one that the real chart knows", () => {
  it.each([true, false])("kube-prometheus-stack, pinned %s", (pinned) => {
    const known = knownKeys("kube-prometheus-stack", KUBE_PROMETHEUS_STACK.version);
    expect(unknownKeys(monitoring(pinned), known)).toEqual([]);
    expect(unknownKeys(monitoring(pinned, VOLUME), known)).toEqual([]);
    expect(unknownKeys(typesOnlyValues(), known)).toEqual([]);
  });

  const channels: [LinkerdChannel, keyof (typeof LINKERD)["edge"], (pinned: boolean) => Values][] = (
    ["edge", "stable"] as const
  ).flatMap((channel) => [
    [channel, "crds", () => crdsValues(channel)],
    [
      channel,
      "controlPlane",
      (pinned) =>
        controlPlaneValues(
          // Traces are refused with the stable line, whose chart has no key for them.
          { pinToControlPlane: pinned, highAvailability: !pinned, scrapeInterval: 5, traces: channel === "edge" },
          identity,
        ),
    ],
    [channel, "viz", () => vizValues(channel, identity)],
  ]);

  it.each(channels)("Linkerd %s, %s", (channel, part, values) => {
    const { chart, version } = LINKERD[channel][part];
    // The edge line is listed by its month.
    const known = knownKeys(chart, channel === "edge" ? version.replace(/\.\d+$/, "") : version);
    expect(unknownKeys(values(true), known)).toEqual([]);
    expect(unknownKeys(values(false), known)).toEqual([]);
  });
});

describe("the test itself", () => {
  const known = knownKeys("kube-prometheus-stack", KUBE_PROMETHEUS_STACK.version);

  it("finds a misspelt key, at any depth", () => {
    expect(unknownKeys({ prometheus: { prometheusSpec: { retentionsize: "1GB" } } }, known)).toEqual([
      "prometheus.prometheusSpec.retentionsize",
    ]);
    expect(unknownKeys({ grafanna: {} }, known)).toEqual(["grafanna"]);
  });

  it("finds a value of the wrong kind", () => {
    expect(unknownKeys({ grafana: { persistence: { enabled: "false" } } }, known)).toHaveLength(1);
    expect(unknownKeys({ grafana: { tolerations: {} } }, known)).toHaveLength(1);
  });

  it("takes keys with dots", () => {
    expect(unknownKeys({ grafana: { "grafana.ini": { analytics: { check_for_updates: false } } } }, known)).toEqual([]);
  });
});
