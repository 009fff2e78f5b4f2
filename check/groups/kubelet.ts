import type { Context, Group } from "../context";
import { PORTS } from "../manifests";
import { checkOf, probe, skipped, type CheckHeader, type CheckResult } from "../result";
import { exec, getForwarded } from "../streams";
import type { Agent, Testbed } from "../testbed";

type Way = CheckHeader & { ask: (context: Context, testbed: Testbed, agent: Agent) => Promise<void> };

const WAYS: Way[] = [
  {
    group: "kubelet",
    id: "kubelet.exec",
    title: "kubectl exec",
    ask: ({ kubeConfig }, { namespace }, { pod }) =>
      exec(kubeConfig, namespace, pod, ["/agnhost", "connect", "--timeout=2s", `127.0.0.1:${PORTS.http}`]),
  },
  {
    group: "kubelet",
    id: "kubelet.logs",
    title: "kubectl logs",
    ask: async ({ api }, { namespace }, { pod }) => {
      await api.request("GET", `/api/v1/namespaces/${namespace}/pods/${pod}/log?container=agnhost`);
    },
  },
  {
    group: "kubelet",
    id: "kubelet.port-forward",
    title: "kubectl port-forward",
    ask: async ({ kubeConfig }, { namespace }, { pod }) => {
      const answer = await getForwarded(kubeConfig, namespace, pod, PORTS.http, "/hostname");
      if (answer.trim() !== pod) throw new Error(`${pod} was asked, ${answer} answered`);
    },
  },
];

export const kubelet: Group = {
  id: "kubelet",
  async run(context: Context): Promise<CheckResult[]> {
    const testbed = await context.testbed.catch(() => undefined);
    return Promise.all(
      WAYS.map(async ({ ask, ...header }) => {
        if (testbed === undefined || testbed.agents.length === 0) return skipped(header, "no test pod runs");
        return checkOf(
          header,
          await Promise.all(testbed.agents.map((agent) => askAgent(context, testbed, agent, ask))),
        );
      }),
    );
  },
};

function askAgent(context: Context, testbed: Testbed, agent: Agent, ask: Way["ask"]): ReturnType<typeof probe> {
  const { name, address, controlPlane } = agent.node;
  return probe({ subject: name, to: name, data: { controlPlane, address: `${address}:10250` } }, () =>
    ask(context, testbed, agent),
  );
}
