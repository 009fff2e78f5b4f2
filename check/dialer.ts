import type { V1Pod } from "@kubernetes/client-node";
import { setTimeout as sleep } from "node:timers/promises";

import type { Api } from "./api";
import { planDials, type Dial } from "./dials";
import { PORTS, reporterPod } from "./manifests";
import { podStatus } from "./pod-status";
import { explain, probe, reasonOf, since, type Probe } from "./result";
import type { Agent, Testbed } from "./testbed";

/** A dial with what came of it. */
export interface Answer extends Probe {
  dial: Dial;
}

export interface Answers {
  /** Node by node, whether the API server reaches the test pod there directly. */
  reach: Probe[];
  dials: Answer[];
}

/** Seconds in which a test pod on a reachable node has answered. */
const REACH_LIMIT = 4;
/** Beyond agnhost's own limit of 5 s for a dial. */
const DIAL_LIMIT = 8;
/** kube-proxy needs a moment to learn of a new Service. */
const SETTLE = 5_000;
/** One datagram may be lost on a busy network, and nobody sends it again; where the way is closed, all are. */
const DATAGRAMS = 3;
/** A reporter's containers start one after the other and give up after 5 s. */
const REPORT_LIMIT = 30;

/**
 * Asks every question from every node.
 *
 * A node is asked through the API server's pod proxy. One that the API server cannot reach, as behind a security group
 * without node-to-node traffic, gets a pod that asks by itself and leaves the answers in its status.
 */
export async function askAll(api: Api, testbed: Testbed, dnsDomain: string): Promise<Answers> {
  const dials = planDials(testbed, dnsDomain, testbed.namespace);
  const nodes = await Promise.all(
    testbed.agents.map(async (agent) => {
      const own = dials.filter(({ from }) => from === agent.node.name);
      const reach = await reachAgent(api, testbed.namespace, agent);
      const answers = reach.ok
        ? await askAgent(api, testbed.namespace, agent, own)
        : await report(api, testbed, agent, own);
      return { reach, answers };
    }),
  );
  return { reach: nodes.map(({ reach }) => reach), dials: nodes.flatMap(({ answers }) => answers) };
}

async function reachAgent(api: Api, namespace: string, agent: Agent): Promise<Probe> {
  const { name } = agent.node;
  return probe({ subject: `API server → ${name}`, to: name }, () =>
    untilSettled(async () => {
      const { text } = await api.request("GET", proxyPath(namespace, agent, "hostname"), { timeout: REACH_LIMIT });
      if (text !== agent.pod) throw new Error(`${agent.pod} was asked, ${text} answered`);
    }),
  );
}

function askAgent(api: Api, namespace: string, agent: Agent, dials: Dial[]): Promise<Answer[]> {
  return Promise.all(
    dials.map(async (dial) => {
      const { subject, from, to } = dial;
      const identity = { subject, from, ...(to ? { to } : {}) };
      const ask = () => dialFrom(api, namespace, agent, dial);
      const answer = await probe(identity, () => untilSettled(ask, isByDatagram(dial) ? DATAGRAMS : 1));
      return { ...answer, dial };
    }),
  );
}

/**
 * One attempt from a node's test pod.
 * @throws with agnhost's word for what went wrong, or the API server's if it does not reach the test pod
 */
export async function dialFrom(
  api: Api,
  namespace: string,
  agent: Agent,
  dial: Pick<Dial, "host" | "port" | "protocol" | "expect">,
): Promise<void> {
  const query = new URLSearchParams({
    host: dial.host,
    port: String(dial.port),
    request: "hostname",
    protocol: dial.protocol === "udp" ? "udp" : "http",
    tries: "1",
  });
  const { text } = await api.request("GET", proxyPath(namespace, agent, `dial?${query.toString()}`), {
    timeout: DIAL_LIMIT,
  });
  const { responses = [], errors = [] } = JSON.parse(text) as { responses?: string[]; errors?: string[] };
  const [response] = responses;
  if (errors[0] !== undefined) throw new Error(errors[0]);
  if (dial.expect !== undefined && response !== dial.expect)
    throw new Error(`${dial.expect} was asked, ${JSON.stringify(response)} answered`);
}

const isByDatagram = ({ kind, protocol }: Dial): boolean => protocol === "udp" || kind.startsWith("dns-");

/** Repeats what was refused or answered by nobody yet, and so many time-outs. */
export async function untilSettled(ask: () => Promise<void>, timeouts = 1): Promise<void> {
  const deadline = performance.now() + SETTLE;
  for (let left = timeouts; ;) {
    try {
      return await ask();
    } catch (error) {
      const reason = reasonOf((error as Error).message);
      const isTimeout = reason === "timeout" || reason === "dns";
      if (isTimeout ? --left === 0 : performance.now() > deadline) throw error;
      if (!isTimeout) await sleep(250);
    }
  }
}

/** UDP is left out: it takes the same way through the tunnel as TCP, and each question costs a container. */
async function report(api: Api, testbed: Testbed, agent: Agent, dials: Dial[]): Promise<Answer[]> {
  const asked = dials.filter(({ protocol }) => protocol === "tcp");
  const questions = asked.map(({ host, port }, index) => ({ name: `dial-${index}`, target: `${host}:${port}` }));
  const start = performance.now();
  try {
    const pods = `/api/v1/namespaces/${testbed.namespace}/pods`;
    const made = await api.create<V1Pod>(pods, reporterPod(agent.node.name, questions));
    const pod = await finished(api, `${pods}/${made.metadata?.name ?? ""}`);
    return asked.map((dial, index) => readAnswer(dial, pod, `dial-${index}`));
  } catch (error) {
    return asked.map((dial) => ({ ...identityOf(dial), ok: false, ...explain(error), seconds: since(start), dial }));
  }
}

async function finished(api: Api, path: string): Promise<V1Pod> {
  const deadline = Date.now() + REPORT_LIMIT * 1000;
  for (;;) {
    const pod = await api.get<V1Pod>(path);
    const phase = pod.status?.phase;
    if (phase === "Succeeded" || phase === "Failed" || Date.now() > deadline) return pod;
    await sleep(400);
  }
}

/** agnhost's `connect` says one word, `TIMEOUT`, `REFUSED`, `DNS` or `OTHER`, and a container keeps it. */
function readAnswer(dial: Dial, pod: V1Pod, container: string): Answer {
  const status = pod.status?.containerStatuses?.find(({ name }) => name === container);
  const ended = status?.state?.terminated;
  const identity = { ...identityOf(dial), dial };
  if (ended === undefined)
    return { ...identity, ok: false, reason: "error", detail: `the question wasn't asked: ${podStatus(pod)}` };
  const seconds = (Date.parse(String(ended.finishedAt)) - Date.parse(String(ended.startedAt))) / 1000;
  if (ended.exitCode === 0) return { ...identity, ok: true, seconds };
  const said = ended.message?.trim() || `exit code ${ended.exitCode}`;
  const reason = reasonOf(said);
  return { ...identity, ok: false, reason, detail: reason === "timeout" ? "no answer within 5 s" : said, seconds };
}

function identityOf({ subject, from, to }: Dial): Pick<Probe, "subject" | "from" | "to"> {
  return { subject, from, ...(to ? { to } : {}) };
}

function proxyPath(namespace: string, agent: Agent, path: string): string {
  return `/api/v1/namespaces/${namespace}/pods/${agent.pod}:${PORTS.http}/proxy/${path}`;
}
