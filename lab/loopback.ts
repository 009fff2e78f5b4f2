import { startBackground, stopBackground } from "./background";
import { inLab, type Lab } from "./lab";

/** A port of the lab's loopback address and what answers there. */
export interface PublishedPort {
  name: string;
  /** On the lab's loopback address of this machine. */
  port: number;
  /** On the control plane's public address. */
  targetPort: number;
}

/**
 * What a person or a browser on this machine reaches without entering the lab's namespace.
 *
 * The API server's port is not 6443, which a developer's own cluster often holds.
 */
export const PUBLISHED_PORTS: readonly PublishedPort[] = [
  { name: "bookinfo", port: 30080, targetPort: 30080 },
  { name: "grafana", port: 30300, targetPort: 30300 },
  { name: "api-server", port: 16443, targetPort: 6443 },
];

/**
 * Publishes the control plane's ports on the lab's loopback address, by systemd's own socket proxy: it listens in this
 * machine's network and connects from the lab's.
 */
export async function publishPorts(lab: Lab, controlPlane: string): Promise<void> {
  await Promise.all(
    PUBLISHED_PORTS.map(({ name, port, targetPort }) => {
      const proxy = inLab(lab, "/lib/systemd/systemd-socket-proxyd", [`${controlPlane}:${targetPort}`]);
      return startBackground(lab, {
        name: `port-${name}`,
        file: "systemd-socket-activate",
        args: [`--listen=${lab.loopback}:${port}`, "--", proxy[0], ...proxy[1]],
      });
    }),
  );
}

/** Closes the published ports, for a lab whose control plane is gone. */
export async function withdrawPorts(lab: Lab): Promise<void> {
  await Promise.all(PUBLISHED_PORTS.map(({ name }) => stopBackground(lab, `port-${name}`)));
}
