import type * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { LINKERD, type LinkerdChannel } from "../../config/versions";
import { PROMETHEUS_URL } from "../monitoring/names";
import { namespace } from "../namespace";
import { type ChartSettings, release } from "../release";
import { MeshIdentity, type Trust } from "./identity";
import { injectorWait } from "./injector-wait";
import { controlPlaneValues, crdsValues, vizValues } from "./values";

export interface LinkerdArgs {
  channel: LinkerdChannel;
  pinToControlPlane: boolean;
  /** Seconds between two readings of every proxy. */
  scrapeInterval: number;
  highAvailability: boolean;
  /** Whether proxies send spans to the collector of ours. */
  traces: boolean;
  trust: Trust;
  charts: ChartSettings;
  /** What brings the type PodMonitor: Helm refuses a chart that uses an unknown type. */
  monitorTypes: pulumi.Resource;
}

/** Labels that `linkerd install` puts on the namespace; its charts leave them to whoever makes it. */
const CONTROL_PLANE_LABELS = {
  "linkerd.io/is-control-plane": "true",
  "linkerd.io/control-plane-ns": "linkerd",
  "config.linkerd.io/admission-webhooks": "disabled",
};

/** The service mesh: its types, its control plane, and the viz extension on the existing Prometheus. */
export class Linkerd extends pulumi.ComponentResource {
  /** The control plane's and viz's. */
  readonly namespaces: readonly k8s.core.v1.Namespace[];
  /** Ready when identity, destination and injector are. */
  readonly controlPlane: k8s.helm.v3.Release;
  /** Ends when the API server can call the injector. A meshed pod must not be made before: injection fails open. */
  readonly injection: k8s.batch.v1.Job;
  /** What meshed pods are annotated with under {@link TRUST}. */
  readonly trust: pulumi.Output<string>;
  /** Reads Prometheus when asked, so it need not wait for it. Pods that it shall tap are made after it. */
  readonly viz: k8s.helm.v3.Release;

  constructor(name: string, args: LinkerdArgs, opts?: pulumi.ComponentResourceOptions) {
    const { monitorTypes, ...own } = args;
    // Not the resources that single parts wait for: the component, and with it every part, would wait for them.
    super("daybreak:k8s:Linkerd", name, own, opts);
    const parent = { parent: this };
    const pins = LINKERD[args.channel];

    const home = namespace(
      {
        name: "linkerd",
        podSecurity: "privileged",
        labels: CONTROL_PLANE_LABELS,
        annotations: { "linkerd.io/inject": "disabled" },
      },
      parent,
    );
    const crds = release(
      {
        release: "linkerd-crds",
        pin: pins.crds,
        namespace: home.metadata.name,
        timeoutSeconds: 120,
        values: crdsValues(args.channel),
      },
      args.charts,
      parent,
    );

    const identity = new MeshIdentity("mesh", args.trust, parent);
    this.trust = identity.generation;
    this.controlPlane = release(
      {
        release: "linkerd-control-plane",
        pin: pins.controlPlane,
        namespace: home.metadata.name,
        // Whole in 45 s where the nodes reach one another, never where they do not.
        timeoutSeconds: 420,
        values: controlPlaneValues(args, identity),
      },
      args.charts,
      { ...parent, dependsOn: [crds, monitorTypes] },
    );

    this.injection = injectorWait(home.metadata.name, this.controlPlane, parent);

    const vizHome = namespace(
      {
        name: "linkerd-viz",
        podSecurity: "privileged",
        labels: { "linkerd.io/extension": "viz" },
        annotations: { "viz.linkerd.io/external-prometheus": PROMETHEUS_URL },
      },
      parent,
    );
    this.viz = release(
      {
        release: "linkerd-viz",
        pin: pins.viz,
        namespace: vizHome.metadata.name,
        timeoutSeconds: 300,
        values: vizValues(args.channel, identity),
      },
      args.charts,
      { ...parent, dependsOn: [this.injection] },
    );

    this.namespaces = [home, vizHome];
    this.registerOutputs({ controlPlane: this.controlPlane.name, viz: this.viz.name });
  }
}
