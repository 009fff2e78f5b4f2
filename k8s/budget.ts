/**
 * What a container may use. Three t3.medium (2 vCPU, 4 GiB each) must carry everything, so every container has one.
 *
 * There is no limit on CPU: a busy container then takes what is free and gives it back by its request's weight, while
 * a limit would throttle it on an idle node. Memory cannot be taken back, so it is bounded.
 */
export interface Budget {
  /** Request, in thousandths of a CPU. */
  cpu: number;
  /** Request, in MiB: what the container uses in normal operation. */
  memory: number;
  /** Limit, in MiB: at which it is killed. */
  memoryLimit: number;
}

/** A pod of this project, for the sums in the tests and for whoever plans larger nodes. */
export interface Footprint {
  pod: string;
  /** How many of it; "node" = one on each. */
  replicas: number | "node";
  /** Goes to the control-plane node while pinning is on. */
  pinned: boolean;
  /** Gets a mesh proxy besides its own containers. */
  meshed: boolean;
  containers: Readonly<Record<string, Budget>>;
}

/** The form of the Kubernetes API. */
export function resources({ cpu, memory, memoryLimit }: Budget) {
  return { requests: { cpu: `${cpu}m`, memory: `${memory}Mi` }, limits: { memory: `${memoryLimit}Mi` } };
}

/** The form of Linkerd's charts, which turn it round. */
export function linkerdResources({ cpu, memory, memoryLimit }: Budget) {
  return { cpu: { request: `${cpu}m` }, memory: { request: `${memory}Mi`, limit: `${memoryLimit}Mi` } };
}
