import { ownCharts } from "./build/charts";
import { standInImages } from "./build/stand-ins";
import { RESOURCE_PLUGINS } from "./plugins/build";
import type { Supply } from "./upstream/supply";

/** What in a lab is not what it stands for: machines, programs by their images, charts, and the plugins. */
export function standIns(supply: Supply): string[] {
  const charts = [...new Set(ownCharts(supply).map(({ name }) => name))];
  const plugins = RESOURCE_PLUGINS.filter((name) => supply.plugin(name) === undefined);
  return [
    "machines: systemd-nspawn for EC2 and its network, this machine's distribution for Ubuntu's image",
    ...line("programs", standInPrograms(supply), "; "),
    ...line("charts", charts, ", ", " (with upstream's value keys)"),
    ...line("Pulumi's plugins", plugins, ", ", " (for the resource types that the stacks use)"),
  ];
}

function standInPrograms(supply: Supply): string[] {
  const made = new Set(supply.builtRecipes().map(({ name }) => name));
  const products = standInImages()
    .filter(({ image }) => made.has(image))
    .map(({ standInFor }) => standInFor);
  const own = products.length > 0 ? [[...new Set(products)].join(", ")] : [];
  return supply.packageFolder() === undefined ? [...own, "a small crictl of our own for cri-tools"] : own;
}

function line(title: string, things: readonly string[], between: string, remark = ""): string[] {
  return things.length > 0 ? [`${title}: ${things.join(between)}${remark}`] : [];
}
