import { loadLayer } from "../config/load";
import type { Program } from "./program";

/**
 * Runs the program of this stack's layer. Loaded only then: each of the two needs providers' SDKs that the other does not,
 * and loading one takes about half a second.
 */
function load(layer: "infra" | "k8s"): { program: Program } {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- an import would load both programs
  return (layer === "infra" ? require("./infra") : require("./k8s")) as { program: Program };
}

/** Pulumi calls the module's export and takes what it returns as the stack's outputs. */
export = () => load(loadLayer()).program();
