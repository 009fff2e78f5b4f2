import type * as k8s from "@pulumi/kubernetes";

import { collectorConfig, collectorContainer, SENDING_QUEUE } from "../telemetry/collector";
import type { ConfigFile } from "../telemetry/config";
import { LOG_AGENT as FOOTPRINT } from "./footprint";
import { LOG_AGENT, LOGS_NAMESPACE, LOKI_URL } from "./names";

/** Where a kubelet keeps what containers write: `<namespace>_<pod>_<uid>/<container>/<restarts>.log`. */
const POD_LOGS = "/var/log/pods";

/** Where it remembers how far it has read; a new container goes on from there. */
const POSITIONS = "/var/lib/otelcol";

const NAME = "log-agent";

/**
 * Reads every container's lines of its node, gives them their container's names and sends them to Loki. A new pod reads
 * everything that is there again: Loki keeps a line that it has already, of the same instant and container, once.
 */
export function agentConfig() {
  return collectorConfig("logs", {
    extensions: { file_storage: { directory: POSITIONS } },
    receivers: {
      file_log: {
        include: [`${POD_LOGS}/*/*/*.log`],
        // What it complains of would become more to complain of.
        exclude: [`${POD_LOGS}/${LOGS_NAMESPACE}_${NAME}-*_*/*/*.log`],
        include_file_path: true,
        include_file_name: false,
        start_at: "beginning",
        storage: "file_storage",
        // Where Loki takes nothing, lines wait on disk, as long as the kubelet keeps them.
        retry_on_failure: { enabled: true },
        operators: [{ type: "container" }],
      },
    },
    processors: {
      resource: { attributes: [{ key: "k8s.node.name", action: "upsert", value: "${env:NODE_NAME}" }] },
    },
    exporters: {
      otlp_http: {
        endpoint: `${LOKI_URL}/otlp`,
        sending_queue: SENDING_QUEUE,
        // For as long as it takes. Nothing is read meanwhile once the queue is full.
        retry_on_failure: { max_elapsed_time: "0" },
      },
    },
  });
}

function container() {
  const made = collectorContainer({
    name: NAME,
    budget: FOOTPRINT.containers[NAME],
    env: [{ name: "NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } }],
    volumeMounts: [
      { name: "pod-logs", mountPath: POD_LOGS, readOnly: true },
      { name: "positions", mountPath: POSITIONS },
    ],
  });
  // What containers write is their node's root's, for nobody else to read. Of root it has the name only: no capabilities.
  return { ...made, securityContext: { ...made.securityContext, runAsNonRoot: false, runAsUser: 0, runAsGroup: 0 } };
}

/** One on each node, the control plane's too. */
export function agentSpec({ annotations, volume }: ConfigFile) {
  return {
    selector: { matchLabels: LOG_AGENT },
    template: {
      metadata: { labels: LOG_AGENT, annotations },
      spec: {
        tolerations: [{ operator: "Exists" }],
        automountServiceAccountToken: false,
        securityContext: { seccompProfile: { type: "RuntimeDefault" } },
        containers: [container()],
        volumes: [
          volume,
          { name: "pod-logs", hostPath: { path: POD_LOGS, type: "Directory" } },
          { name: "positions", emptyDir: { sizeLimit: "64Mi" } },
        ],
      },
    },
  } satisfies k8s.types.input.apps.v1.DaemonSetSpec;
}
