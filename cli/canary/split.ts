import type { Stack } from "@pulumi/pulumi/automation";

import { ApiError, type Api } from "../../check/api";
import { meshShape } from "../../config/mesh";
import type { LinkerdChannel } from "../../config/versions";
import type { Weights } from "../../k8s/bookinfo/routes";
import { type Version, VERSIONS } from "../../k8s/bookinfo/services";
import { MESH_TYPES } from "../../k8s/linkerd/types";
import { UserError } from "../stacks";
import { describeWeights } from "./weights";

const KEY = "daybreak:reviewsWeights";

/** The configuration's default. */
const THIRDS: Weights = meshShape.reviewsWeights.parse(undefined);

/** Nothing but the route of reviews. */
const TARGET = "**HTTPRoute::reviews";

/**
 * The split of reviews as the configuration of the workloads' stack has it. Every change goes there first and to the
 * cluster by `pulumi up` of the one route, so that the next `up` of anybody finds nothing to put back.
 */
export class Split {
  private constructor(
    private readonly stack: Stack,
    private readonly api: Api,
    private readonly routePath: string,
    /** What the configuration said when we came; undefined: nothing. */
    private readonly configured: Weights | undefined,
  ) {}

  /** @throws UserError if there is no such route in the cluster */
  static async open(stack: Stack, api: Api): Promise<Split> {
    const config = await stack.getAllConfig();
    const text = config[KEY]?.value;
    const channel = (config["daybreak:linkerdChannel"]?.value ?? "edge") as LinkerdChannel;
    const path = `/apis/${MESH_TYPES[channel].route}/namespaces/bookinfo/httproutes/reviews`;
    const split = new Split(stack, api, path, text === undefined ? undefined : (JSON.parse(text) as Weights));
    await split.inCluster();
    return split;
  }

  /** The weights before the first change. */
  get before(): Weights {
    return this.configured ?? THIRDS;
  }

  /** @throws whatever `pulumi up` says, or Error if the cluster's route has other weights afterwards */
  async set(weights: Weights, signal?: AbortSignal): Promise<void> {
    const entries = VERSIONS.map((version) => [`${KEY}.${version}`, { value: String(weights[version]) }] as const);
    await this.stack.setAllConfig(Object.fromEntries(entries), true);
    await this.up(weights, signal);
  }

  /** Puts back what was configured before, also where that was nothing. */
  async restore(): Promise<void> {
    if (this.configured) return this.set(this.configured);
    await this.stack.removeConfig(KEY);
    await this.up(THIRDS);
  }

  /** How to do by hand what {@link restore} could not. */
  get recipe(): string {
    const { name } = this.stack;
    const config = this.configured
      ? `pulumi config set --stack ${name} ${KEY} '${JSON.stringify(this.configured)}'`
      : `pulumi config rm --stack ${name} ${KEY}`;
    return `${config} && pulumi up --stack ${name} --target '${TARGET}'`;
  }

  private async up(weights: Weights, signal?: AbortSignal): Promise<void> {
    await this.stack.up({ target: [TARGET], color: "never", ...(signal && { signal }) });
    const found = await this.inCluster();
    if (VERSIONS.some((version) => found[version] !== weights[version]))
      throw new Error(`the route in the cluster has ${describeWeights(found)} instead of ${describeWeights(weights)}`);
  }

  private async inCluster(): Promise<Weights> {
    interface Route {
      spec: { rules: { backendRefs: { name: string; weight: number }[] }[] };
    }
    try {
      const { spec } = await this.api.get<Route>(this.routePath);
      const backends = spec.rules.flatMap(({ backendRefs }) => backendRefs);
      const weight = (version: Version) => backends.find(({ name }) => name === `reviews-${version}`)?.weight ?? 0;
      return { v1: weight("v1"), v2: weight("v2"), v3: weight("v3") };
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) throw error;
      throw new UserError("the cluster has no route of reviews yet\n  → npm run up", { cause: error });
    }
  }
}
