import type { Step } from "../build/graph";
import type { Part } from "./part";
import { upstreamMode } from "./settings";
import type { Supply } from "./supply";

/** The step that fetches a part; also the name of its log. */
export function stepName({ name }: Part): string {
  return `upstream-${name.toLowerCase().replaceAll(/[^a-z0-9.]+/g, "-")}`.replace(/-$/, "");
}

/** The steps that some other step has to wait for before it can know whether these parts are upstream's. */
export function stepsOf(supply: Supply, parts: readonly Part[]): string[] {
  return [...new Set(parts.filter((part) => supply.upstream(part)).map(stepName))];
}

/** One step for each part that shall be upstream's. One that fails is refused, with its reason, and built instead. */
export function fetchSteps(supply: Supply): Step[] {
  return supply
    .parts()
    .filter((part) => supply.upstream(part))
    .map((part) => ({
      name: stepName(part),
      needs: part.needs,
      done: part.have,
      run: async (log) => {
        try {
          await part.fetch(log);
        } catch (error) {
          if (upstreamMode() === "always") throw error;
          const reason = error instanceof Error ? error.message : String(error);
          supply.refuse(part, reason);
          return `${part.name} is made here instead: ${reason}`;
        }
      },
    }));
}
