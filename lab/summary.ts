import { join } from "node:path";

import { WORKLOADS_CONFIG, type ExtraName } from "./extras";
import type { Lab } from "./lab";
import { loopbackKubeconfigFile } from "./kubeconfig";
import type { PhaseTime } from "./phases";

/** What the closing page of `npm start` tells. */
export interface Summary {
  lab: Lab;
  nodes: string[];
  grafanaUser: string;
  /** What is on beyond the defaults. */
  extras: readonly ExtraName[];
  standIns: string[];
  /** What came from upstream, and why the rest did not. */
  upstream: string[];
  times: PhaseTime[];
}

/** The closing page: where everything is, what is a stand-in, how long it took. */
export function renderSummary({ lab, nodes, grafanaUser, extras, standIns, upstream, times }: Summary): string {
  const total = times.reduce((sum, { seconds }) => sum + seconds, 0);
  return [
    `The lab "${lab.name}" is up.`,
    "",
    "Nodes",
    ...nodes.map((node) => `  ${node}`),
    "",
    "From this machine",
    `  Bookinfo    http://${lab.loopback}:30080/productpage`,
    `  Grafana     http://${lab.loopback}:30300   user ${grafanaUser}, password: ${inShell(lab)} pulumi stack output grafanaPassword --show-secrets -s lab-k8s`,
    `  kubectl     KUBECONFIG=${loopbackKubeconfigFile(lab)} ${join(lab.cacheDir, "bin", "kubectl")} get nodes`,
    `  as on AWS   npm run lab:shell${named(lab)}   (pulumi, kubectl and helm mean this lab)`,
    ...extrasLines(lab, extras),
    "",
    "Stand-ins of the lab (everything else is the real thing)",
    ...standIns.map((part) => `  ${part}`),
    "",
    "Upstream's downloads",
    ...upstream.map((line) => `  ${line}`),
    "",
    `Time ${total.toFixed(1)} s: ${times.map(({ title, seconds }) => `${title.toLowerCase()} ${seconds.toFixed(1)} s`).join(", ")}`,
    `Stop it with: npm stop${named(lab)}`,
  ].join("\n");
}

function extrasLines(lab: Lab, extras: readonly ExtraName[]): string[] {
  if (extras.length === 0) return [];
  const off = `${inShell(lab)} pulumi config rm -s lab-k8s daybreak:${extras[0]}`;
  return ["", `Extras, on in ${WORKLOADS_CONFIG}`, `  ${extras.join(", ")}   off again: ${off}`];
}

function inShell(lab: Lab): string {
  return `npm run -s lab:shell --${lab.name === "lab" ? "" : ` --lab ${lab.name}`}`;
}

function named(lab: Lab): string {
  return lab.name === "lab" ? "" : ` -- --lab ${lab.name}`;
}
