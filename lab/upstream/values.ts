import type { LinkerdChannel } from "../../config/versions";
import { controlPlaneValues, crdsValues, vizValues } from "../../k8s/linkerd/values";
import { monitoringValues } from "../../k8s/monitoring/values";
import type { Values } from "../../k8s/values";

/*
 * The values that this project gives to its charts. What decides which images a chart names is as in the lab's stacks;
 * names and certificates are not, and nothing but `helm template` reads them.
 */

const pinToControlPlane = true;
const scrapeInterval = 5;
const identity = { trustAnchor: "anchor", issuerCertificate: "issuer", issuerKey: "key", generation: "0" };

/** Of kube-prometheus-stack. */
export function monitoring(): Values {
  return monitoringValues({
    ...{ pinToControlPlane, timezone: "browser", adminSecret: "grafana-admin" },
    ...{ scrapeInterval, retention: { days: 15 }, receivers: {} },
  });
}

/** Of linkerd-crds. */
export function crds(channel: LinkerdChannel): Values {
  return crdsValues(channel);
}

/** Of linkerd-control-plane. */
export function controlPlane(): Values {
  return controlPlaneValues({ pinToControlPlane, highAvailability: false, traces: false, scrapeInterval }, identity);
}

/** Of linkerd-viz. */
export function viz(channel: LinkerdChannel): Values {
  return vizValues(channel, identity);
}
