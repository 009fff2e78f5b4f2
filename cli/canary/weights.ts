import type { Weights } from "../../k8s/bookinfo/routes";
import { type Version, VERSIONS } from "../../k8s/bookinfo/services";
import { UserError } from "../stacks";

/** Weights are set in thousandths, so that a step of one percent is still exact. */
const WHOLE = 1000;

/**
 * The weights at which one version gets a share of the requests and the others what is left, in the proportion they
 * had before.
 *
 * @throws UserError if no other version had any: there would be nothing to go back to
 */
export function weightsAt(version: Version, percent: number, before: Weights): Weights {
  const others = VERSIONS.filter((other) => other !== version);
  const sum = others.reduce((total, other) => total + before[other], 0);
  if (sum === 0)
    throw new UserError(
      `reviews ${version} gets every request already: there is no other version to compare with or to go back to\n` +
        `  → give one a weight first: pulumi config set --path 'daybreak:reviewsWeights.${others[0]}' 1, then pulumi up`,
    );
  const share = Math.round((WHOLE * percent) / 100);
  const left = WHOLE - share;
  const [first, second] = others as [Version, Version];
  const firsts = Math.round((left * before[first]) / sum);
  return { ...before, [version]: share, [first]: firsts, [second]: left - firsts };
}

/** "v1 475, v2 475, v3 50". */
export function describeWeights(weights: Weights): string {
  return VERSIONS.map((version) => `${version} ${weights[version]}`).join(", ");
}
