/** Serves a provider over the engine's protocol. */
import type { Provider } from "./provider";

/** Serves `provider` on a loopback port until the engine goes away; prints the port, as the engine expects. */
export function serve(provider: Provider): void {
  throw new Error(`${provider.name}: serving is not written yet`);
}
