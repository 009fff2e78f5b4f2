import { FOOTPRINT, podBudget } from "../../../k8s/footprint";
import { shell } from "../lab-cli";

const MINUTE = 60_000;

/** Namespaces of the workloads stack whose pods are all in the sum of what the nodes must carry. */
const NAMESPACES = ["monitoring", "linkerd", "linkerd-viz", "bookinfo", "traffic"];

interface Container {
  name: string;
  restartPolicy?: string;
  resources: { requests?: Record<string, string>; limits?: Record<string, string> };
}

interface Pod {
  metadata: { name: string; namespace: string };
  spec: { containers: Container[]; initContainers?: Container[] };
}

/** Thousandths of a CPU, or MiB, of a quantity in one of the forms that this project uses. */
function amount(quantity = "0"): number {
  const number = Number.parseFloat(quantity);
  if (quantity.endsWith("Gi")) return number * 1024;
  return /(m|Mi)$/.test(quantity) ? number : number * 1000;
}

/** What runs at the same time: native sidecars are init containers that stay. */
const running = ({ spec }: Pod): Container[] => [
  ...spec.containers,
  ...(spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always"),
];

/** Pods that run are those that were counted: {@link FOOTPRINT} is no wish. */
export function budgetOfThePlatform(lab: string): void {
  it(
    "runs no pod that asks for more than was counted for it, or whose memory has no limit",
    async () => {
      const { items } = JSON.parse(await shell(lab, ["kubectl", "get", "pods", "-A", "-o", "json"])) as {
        items: Pod[];
      };
      const ours = items.filter(({ metadata }) => NAMESPACES.includes(metadata.namespace));
      expect(ours.length).toBeGreaterThan(20);
      expect(ours.flatMap((pod) => faults(pod))).toEqual([]);
    },
    6 * MINUTE,
  );
}

function faults(pod: Pod): string[] {
  const { namespace, name } = pod.metadata;
  const containers = running(pod);
  const bare = containers.filter(
    ({ resources: { requests, limits } }) => !(requests?.["cpu"] && requests["memory"] && limits?.["memory"]),
  );
  // The longest name that fits: prometheus is the beginning of prometheus-operator too.
  const counted = FOOTPRINT.filter((footprint) => name.includes(footprint.pod)).sort(
    (a, b) => b.pod.length - a.pod.length,
  )[0];
  if (!counted) return [`${namespace}/${name} is not in the footprint`];
  const sum = (resource: string) =>
    containers.reduce((total, { resources }) => total + amount(resources.requests?.[resource]), 0);
  const { cpu, memory } = podBudget(counted);
  return [
    ...bare.map((container) => `${namespace}/${name} ${container.name}: no request or no memory limit`),
    ...(sum("cpu") > cpu ? [`${namespace}/${name} asks for ${sum("cpu")}m of CPU, ${cpu}m were counted`] : []),
    ...(sum("memory") > memory ? [`${namespace}/${name} asks for ${sum("memory")} MiB, ${memory} were counted`] : []),
  ];
}
