import * as pulumi from "@pulumi/pulumi";
import { remote } from "@pulumi/command";

import type { Authority, Client } from "./authority";
import type { ClusterSecrets } from "./cluster-secrets";
import { kubeconfig } from "./kubeconfig";
import type { Node } from "./node";
import {
  type ClusterFacts,
  CONTROL_PLANE_PARTS,
  controlPlaneScript,
  type NodeScriptSettings,
  READY_PARTS,
  readyScript,
  WORKER_PARTS,
  workerScript,
} from "./node-script";
import type { Nodes } from "./nodes";
import { contentHash, type Part } from "./remote-script";
import type { SshKeys } from "./ssh-keys";

export interface ClusterArgs {
  clusterName: string;
  settings: NodeScriptSettings;
  nodes: Nodes;
  keys: SshKeys;
  authority: Authority;
  secrets: ClusterSecrets;
  /** What has to be there before a node can be reached and can reach the package sites. */
  reachableThrough: readonly pulumi.Resource[];
}

/** Boot, packages, kubeadm and the wait for the control plane, each bounded in the scripts, together; EC2 takes about 3 minutes. */
const NODE_LIMIT = "25m";
const READY_LIMIT = "12m";

interface Run {
  node: Node;
  /** Where the node's SSH server answers. */
  host: pulumi.Input<string>;
  parts: readonly Part[];
  script: pulumi.Output<string>;
  /** Machines whose replacement makes the script run again. */
  machines: readonly Node[];
  limit: string;
  dependsOn?: readonly pulumi.Resource[];
}

/** The Kubernetes cluster on the nodes: kubeadm over SSH, every node on its own, and a last wait until all are Ready. */
export class Cluster extends pulumi.ComponentResource {
  /** The administrator's; secret. Known to the outside only when every node is Ready. */
  readonly kubeconfig: pulumi.Output<string>;
  /** The viewer's; secret. Of no use until the workloads' program binds the viewer to a role. */
  readonly viewerKubeconfig: pulumi.Output<string>;

  constructor(
    name: string,
    private readonly args: ClusterArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("daybreak:infra:Cluster", name, args, opts);
    const facts = this.facts();
    const nodeRuns = [this.controlPlane(name, facts), ...this.workers(name, facts)];
    const ready = this.ready(name, nodeRuns);
    this.kubeconfig = this.kubeconfigFor("admin", args.authority.admin, ready);
    this.viewerKubeconfig = this.kubeconfigFor("viewer", args.authority.viewer, ready);
    this.registerOutputs({ kubeconfig: this.kubeconfig, viewerKubeconfig: this.viewerKubeconfig });
  }

  private facts(): pulumi.Output<ClusterFacts> {
    const { settings, clusterName, nodes, authority, secrets } = this.args;
    return pulumi.output({
      settings,
      clusterName,
      controlPlaneAddress: nodes.controlPlane.privateAddress,
      publicAddress: nodes.masterPublicAddress,
      authority: {
        certificate: authority.certificate,
        privateKey: authority.privateKey,
        certificateHash: authority.certificateHash,
      },
      bootstrapToken: secrets.bootstrapToken,
      encryptionKey: secrets.encryptionKey,
    });
  }

  private controlPlane(name: string, facts: pulumi.Output<ClusterFacts>): remote.Command {
    const { controlPlane, masterPublicAddress, workers } = this.args.nodes;
    return this.run(`${name}-${controlPlane.nodeName}`, {
      node: controlPlane,
      host: masterPublicAddress,
      parts: CONTROL_PLANE_PARTS,
      script: facts.apply((known) => controlPlaneScript(known, controlPlane)),
      // A worker that comes later needs a token that is still valid, which this script renews.
      machines: [controlPlane, ...workers],
      limit: NODE_LIMIT,
    });
  }

  private workers(name: string, facts: pulumi.Output<ClusterFacts>): remote.Command[] {
    const { controlPlane, workers } = this.args.nodes;
    return workers.map((worker) =>
      this.run(`${name}-${worker.nodeName}`, {
        node: worker,
        host: worker.publicAddress,
        parts: WORKER_PARTS,
        script: facts.apply((known) => workerScript(known, worker)),
        // A control plane that was made again knows none of its workers.
        machines: [controlPlane, worker],
        limit: NODE_LIMIT,
      }),
    );
  }

  private ready(name: string, nodeRuns: readonly remote.Command[]): remote.Command {
    const { controlPlane, masterPublicAddress, workers } = this.args.nodes;
    const all = [controlPlane, ...workers];
    const script = readyScript(
      controlPlane.nodeName,
      all.map((node) => node.nodeName),
    );
    return this.run(`${name}-ready`, {
      node: controlPlane,
      host: masterPublicAddress,
      parts: READY_PARTS,
      script: pulumi.output(script),
      machines: all,
      limit: READY_LIMIT,
      dependsOn: nodeRuns,
    });
  }

  private run(name: string, { node, host, parts, script, machines, limit, dependsOn = [] }: Run): remote.Command {
    const connection = {
      host,
      user: "ubuntu",
      privateKey: this.args.keys.admin.privateKey,
      hostKey: node.hostKey,
      // The machine may still be booting; the time limit below bounds the attempts.
      dialErrorLimit: -1,
      perDialTimeout: 5,
    };
    return new remote.Command(
      name,
      {
        connection,
        create: "sudo -n bash -s",
        stdin: pulumi.secret(script),
        triggers: [contentHash(parts), ...machines.map((machine) => machine.instanceId)],
        addPreviousOutputInEnv: false,
        logging: remote.Logging.Stderr,
      },
      {
        parent: this,
        dependsOn: [...this.args.reachableThrough, ...dependsOn],
        customTimeouts: { create: limit, update: limit },
      },
    );
  }

  private kubeconfigFor(role: "admin" | "viewer", client: Client, ready: remote.Command): pulumi.Output<string> {
    const { clusterName, nodes, authority } = this.args;
    const text = pulumi
      .output({
        publicAddress: nodes.masterPublicAddress,
        authorityCertificate: authority.certificate,
        clientCertificate: client.certificate,
        clientKey: client.privateKey,
      })
      .apply((known) => kubeconfig({ clusterName, role, ...known }));
    return pulumi.secret(pulumi.all([text, ready.stdout]).apply(([known]) => known));
  }
}
