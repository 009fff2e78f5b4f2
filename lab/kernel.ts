import { existsSync, readFileSync } from "node:fs";
import { release } from "node:os";
import { gunzipSync } from "node:zlib";

/**
 * Whether this machine's kernel was built with a feature, by its configuration's name without `CONFIG_`, such as `VXLAN`.
 *
 * @returns true also where the configuration cannot be read: what is absent then shows at its first use.
 */
export function kernelMayHave(feature: string): boolean {
  const config = kernelConfig();
  return config === undefined || new RegExp(`^CONFIG_${feature}=[ym]`, "m").test(config);
}

function kernelConfig(): string | undefined {
  const file = `/boot/config-${release()}`;
  if (existsSync("/proc/config.gz")) return gunzipSync(readFileSync("/proc/config.gz")).toString();
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}
