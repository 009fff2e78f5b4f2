import type { V1Namespace, V1Pod, V1Service } from "@kubernetes/client-node";
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import type { Api } from "./api";
import { selfSignedCertificate } from "./certificate";
import { usableNodes, type Cluster, type ClusterNode } from "./cluster";
import { ownerOfThisRun, removeLeftovers, removeNamespace } from "./leftovers";
import {
  agentName,
  agentPod,
  agentService,
  namespaceManifest,
  SERVICE_ACCOUNT,
  webhookConfiguration,
  webhookPod,
  webhookSecret,
  webhookService,
} from "./manifests";
import { podReason, podStatus } from "./pod-status";
import type { Probe } from "./result";

/** A node with a test pod that runs. */
export interface Agent {
  node: ClusterNode;
  pod: string;
  podIp: string;
  clusterIp: string;
  nodePort: number;
}

/** The check's own namespace with what runs in it. */
export interface Testbed {
  namespace: string;
  agents: Agent[];
  /** The node that the webhook's pod runs on, a worker if there is one; undefined if it doesn't run. */
  webhookNode?: string;
  /** Node by node, whether its test pod came up. */
  probes: Probe[];
}

/** How long test pods may take to run, in seconds: time for pulling agnhost's 50 MB once. */
const START_LIMIT = 40;

/** The namespace of one run: made when first needed, removed whatever happens. */
export class Workspace {
  readonly namespace = `daybreak-check-${randomBytes(3).toString("hex")}`;
  /** This run's namespace once it is made, and those of killed runs. */
  private namespaces: string[] = [];

  constructor(
    private readonly api: Api,
    private readonly cluster: Cluster,
    /** Seconds that the whole check may take; afterwards others may clear up behind it. */
    private readonly limit: number,
  ) {}

  /** Removes what killed runs left, then starts one agent a node and the webhook, and waits for them. */
  async raise(): Promise<Testbed> {
    this.namespaces = await removeLeftovers(this.api);
    this.namespaces.push(this.namespace);
    const owner = namespaceManifest(this.namespace, ownerOfThisRun(), new Date(Date.now() + (this.limit + 60) * 1000));
    const namespace = await this.api.create<V1Namespace>("/api/v1/namespaces", owner);
    // Pods name an account of their own: the namespace's default one appears only some time later.
    await this.make("serviceaccounts", {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: SERVICE_ACCOUNT },
    });
    const nodes = usableNodes(this.cluster);
    const certificate = selfSignedCertificate(`webhook.${this.namespace}.svc`);
    await this.make("secrets", webhookSecret(certificate));
    const webhookNode = nodes.find(({ controlPlane }) => !controlPlane) ?? nodes[0];
    const [services] = await Promise.all([
      Promise.all(nodes.map(({ name }) => this.make<V1Service>("services", agentService(name)))),
      ...nodes.map(({ name }) => this.make("pods", agentPod(name))),
      this.make("services", webhookService()),
      webhookNode && this.make("pods", webhookPod(webhookNode.name)),
      this.api.create(
        "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
        webhookConfiguration(namespace, certificate.certificate),
      ),
    ]);
    const pods = await this.running(nodes.length + (webhookNode ? 1 : 0));
    return this.describe(nodes, services, pods, webhookNode);
  }

  /** @returns notes on what could not be removed, none when nothing is left */
  async remove(signal: AbortSignal): Promise<string[]> {
    const api = this.api.withSignal(signal);
    const notes = await Promise.all(this.namespaces.map((name) => removeNamespace(api, name)));
    return notes.filter((note) => note !== undefined);
  }

  private make<T>(resource: string, body: unknown): Promise<T> {
    return this.api.create<T>(`/api/v1/namespaces/${this.namespace}/${resource}`, body);
  }

  /** Polls until all run or the time is up; then those that do run must do. */
  private async running(count: number): Promise<Map<string, V1Pod>> {
    const deadline = Date.now() + START_LIMIT * 1000;
    for (;;) {
      const { items } = await this.api.get<{ items: V1Pod[] }>(`/api/v1/namespaces/${this.namespace}/pods`);
      const over = items.filter((pod) => isUp(pod) || pod.status?.phase === "Failed").length === count;
      if (over || Date.now() > deadline) return new Map(items.map((pod) => [pod.metadata?.name ?? "", pod]));
      await sleep(250);
    }
  }

  private describe(
    nodes: ClusterNode[],
    services: V1Service[],
    pods: Map<string, V1Pod>,
    webhookNode: ClusterNode | undefined,
  ): Testbed {
    const agents = nodes.flatMap((node, index) => {
      const pod = pods.get(agentName(node.name));
      const { spec } = services[index] ?? {};
      if (pod === undefined || !isUp(pod)) return [];
      return [
        {
          node,
          pod: agentName(node.name),
          podIp: pod.status?.podIP ?? "",
          clusterIp: spec?.clusterIP ?? "",
          nodePort: spec?.ports?.[0]?.nodePort ?? 0,
        },
      ];
    });
    const webhook = pods.get("webhook");
    return {
      namespace: this.namespace,
      agents,
      ...(webhook && isUp(webhook) && webhookNode ? { webhookNode: webhookNode.name } : {}),
      probes: nodes.map(({ name }) => startProbe(name, pods.get(agentName(name)))),
    };
  }
}

function isUp(pod: V1Pod): boolean {
  return pod.status?.phase === "Running" && Boolean(pod.status.podIP);
}

function startProbe(node: string, pod: V1Pod | undefined): Probe {
  if (pod && isUp(pod)) return { subject: node, to: node, ok: true };
  const status = pod ? podStatus(pod) : "missing";
  const why = pod && podReason(pod);
  return {
    subject: node,
    to: node,
    ok: false,
    reason: "not-ready",
    detail: `${status} after ${START_LIMIT} s${why ? `: ${why}` : ""}`,
    data: { status },
  };
}
