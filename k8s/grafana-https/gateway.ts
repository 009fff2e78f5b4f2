import type * as k8s from "@pulumi/kubernetes";
import { stringify } from "yaml";

import { images } from "../../config/versions";
import { type Budget, resources } from "../budget";
import { UNPRIVILEGED } from "../security";
import type { Values } from "../values";
import { CERTIFICATE_FOLDER, GATEWAY_PORT } from "./caddy";

/** Measured with the page open: 38 MiB. */
export const GATEWAY_BUDGET: Budget = { cpu: 10, memory: 40, memoryLimit: 128 };

/** Names of the ConfigMap with Caddy's configuration and of the Secret with the certificate. */
export const GATEWAY_NAMES = { config: "grafana-gateway", certificate: "grafana-certificate" } as const;

function container(content: string): k8s.types.input.core.v1.Container {
  return {
    name: "gateway",
    image: images.caddy,
    imagePullPolicy: "IfNotPresent",
    command: ["caddy", "run", "--config", "/etc/gateway/caddy.json"],
    env: [
      { name: "XDG_DATA_HOME", value: "/data" },
      // Caddy reads its certificate at its start: another one has to make another pod.
      { name: "CONTENT", value: content },
    ],
    ports: [{ name: "https", containerPort: GATEWAY_PORT, protocol: "TCP" }],
    readinessProbe: { tcpSocket: { port: GATEWAY_PORT }, periodSeconds: 2 },
    resources: resources(GATEWAY_BUDGET),
    securityContext: {
      ...UNPRIVILEGED,
      readOnlyRootFilesystem: true,
      // The program's file asks for this one, and would not start without; its port is a high one all the same.
      capabilities: { drop: ["ALL"], add: ["NET_BIND_SERVICE"] },
    },
    volumeMounts: [
      { name: "gateway-config", mountPath: "/etc/gateway", readOnly: true },
      { name: "gateway-certificate", mountPath: CERTIFICATE_FOLDER, readOnly: true },
      { name: "gateway-data", mountPath: "/data" },
    ],
  };
}

/**
 * The gateway as the chart takes it: a text that it puts into its list of containers.
 *
 * @param content changes when the certificate or the configuration does
 */
export function gatewayContainers(content: string): string {
  return stringify([container(content)], { lineWidth: 0 });
}

/**
 * Values of kube-prometheus-stack that put the gateway into Grafana's pod, where the chart foresees a proxy: the Service's
 * port then leads to it, and so does Prometheus' way to Grafana's figures.
 */
export function gatewayValues<Text>(extraContainers: Text) {
  return {
    service: { targetPort: GATEWAY_PORT },
    extraContainers,
    extraContainerVolumes: [
      { name: "gateway-config", configMap: { name: GATEWAY_NAMES.config } },
      { name: "gateway-certificate", secret: { secretName: GATEWAY_NAMES.certificate } },
      { name: "gateway-data", emptyDir: { sizeLimit: "16Mi" } },
    ],
    serviceMonitor: { scheme: "https", tlsConfig: { insecureSkipVerify: true } },
    env: { GF_SECURITY_COOKIE_SECURE: "true" },
  } satisfies Values;
}
