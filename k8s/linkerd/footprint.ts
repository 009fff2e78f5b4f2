import type { Budget, Footprint } from "../budget";
import { INJECTOR_WAIT } from "./injector-wait";

/** The proxy beside every meshed container. Measured idle: 3 MiB; the mesh's own figure under load: up to 26 MB. */
export const PROXY: Budget = { cpu: 10, memory: 20, memoryLimit: 128 };

/** Measured on a three-node cluster: destination's pod 77 MiB in all, identity's 38, the injector's 23. */
export const DESTINATION = {
  pod: "linkerd-destination",
  replicas: 1,
  pinned: true,
  meshed: true,
  containers: {
    destination: { cpu: 20, memory: 40, memoryLimit: 192 },
    "sp-validator": { cpu: 5, memory: 20, memoryLimit: 96 },
    policy: { cpu: 10, memory: 20, memoryLimit: 128 },
  },
} satisfies Footprint;

export const IDENTITY = {
  pod: "linkerd-identity",
  replicas: 1,
  pinned: true,
  meshed: true,
  containers: { identity: { cpu: 10, memory: 24, memoryLimit: 96 } },
} satisfies Footprint;

export const INJECTOR = {
  pod: "linkerd-proxy-injector",
  replicas: 1,
  pinned: true,
  meshed: true,
  containers: { "proxy-injector": { cpu: 10, memory: 24, memoryLimit: 96 } },
} satisfies Footprint;

const viz = (pod: string) =>
  ({
    pod,
    replicas: 1,
    pinned: false,
    meshed: true,
    containers: { main: { cpu: 10, memory: 32, memoryLimit: 128 } },
  }) satisfies Footprint;

/** The viz extension is no part of the control plane: it stays on the workers, where there is room. */
export const VIZ = {
  metricsAPI: viz("metrics-api"),
  tap: viz("tap"),
  tapInjector: viz("tap-injector"),
  dashboard: viz("web"),
};

export const LINKERD_FOOTPRINT: readonly Footprint[] = [
  DESTINATION,
  IDENTITY,
  INJECTOR,
  INJECTOR_WAIT,
  ...Object.values(VIZ),
];
