import type { LinkerdChannel } from "../../config/versions";
import { linkerdResources } from "../budget";
import { PROMETHEUS_URL } from "../monitoring/names";
import { placement } from "../placement";
import { COLLECTOR, TRACES_NAMESPACE } from "../traces/names";
import type { Values } from "../values";
import { DESTINATION, IDENTITY, INJECTOR, PROXY, VIZ } from "./footprint";

/** The mesh's certificates as PEM texts, or as outputs that become them. */
export interface Identity<Pem = unknown> {
  trustAnchor: Pem;
  issuerCertificate: Pem;
  issuerKey: Pem;
  /** Differs where pods have to be made anew. */
  generation: Pem;
}

/** Key under which pods carry the certificates' generation, so that a new one makes them anew. */
export const TRUST = "daybreak/mesh-trust";

/** Key under which pods carry that their proxies send spans, so that turning it on or off makes them anew. */
const TRACES = "daybreak/traces";

/** What of the mesh is in a pod's template, for its proxy to be made anew where it changes. */
export interface ProxySettings<Text> {
  /** Generation of the mesh's certificates. */
  trust: Text;
  /** Whether proxies send spans. */
  traces: boolean;
}

/** Annotations of a meshed pod. */
export function proxyAnnotations<Text>({ trust, traces }: ProxySettings<Text>) {
  return { [TRUST]: trust, ...(traces && { [TRACES]: "on" }) };
}

/** Values of `linkerd-crds`: the edge line expects the Gateway API's types, and brings them along when asked. */
export function crdsValues(channel: LinkerdChannel): Values {
  return channel === "edge" ? { installGatewayAPI: true } : {};
}

/** What the configuration chooses for the control plane. */
export interface ControlPlaneChoices {
  pinToControlPlane: boolean;
  highAvailability: boolean;
  /** Seconds between two readings of every proxy. */
  scrapeInterval: number;
  /** Whether proxies send spans to the collector of ours. */
  traces: boolean;
}

/** Where proxies send spans: into the mesh only, to a certificate, as upstream's documentation demands. */
const TRACING: Values = {
  tracing: {
    enabled: true,
    collector: {
      endpoint: COLLECTOR.endpoint,
      meshIdentity: { serviceAccountName: COLLECTOR.account, namespace: TRACES_NAMESPACE },
    },
  },
};

/**
 * Three of each part on three nodes, the control-plane node among them; upstream's values-ha.yaml but for its resources.
 * A webhook that is out of reach then refuses pods instead of letting them go without a proxy.
 */
function highAvailability(): Values {
  return {
    controllerReplicas: 3,
    enablePodAntiAffinity: true,
    enablePodDisruptionBudget: true,
    // One of three, as a share: the charts know it as a text. Without it a fourth pod would look for a fourth node.
    deploymentStrategy: { rollingUpdate: { maxUnavailable: "34%", maxSurge: "0%" } },
    webhookFailurePolicy: "Fail",
    tolerations: placement(true).tolerations,
  };
}

/**
 * Values of `linkerd-control-plane`, the same keys in both channels. Proxies are what the channel makes them: native
 * sidecars on edge, ordinary containers in 2.14.
 */
export function controlPlaneValues(choices: ControlPlaneChoices, identity: Identity): Values {
  const { containers } = DESTINATION;
  const interval = `${choices.scrapeInterval}s`;
  return {
    ...(choices.highAvailability ? highAvailability() : placement(choices.pinToControlPlane)),
    podAnnotations: { [TRUST]: identity.generation },
    identityTrustAnchorsPEM: identity.trustAnchor,
    identity: { issuer: { tls: { crtPEM: identity.issuerCertificate, keyPEM: identity.issuerKey } } },
    // Reports versions to linkerd.io once a day.
    disableHeartBeat: true,
    podMonitor: { enabled: true, scrapeInterval: interval, scrapeTimeout: interval },
    proxy: { resources: linkerdResources(PROXY), ...(choices.traces && TRACING) },
    destinationResources: linkerdResources(containers.destination),
    spValidatorResources: linkerdResources(containers["sp-validator"]),
    policyController: { resources: linkerdResources(containers.policy) },
    identityResources: linkerdResources(IDENTITY.containers.identity),
    proxyInjectorResources: linkerdResources(INJECTOR.containers["proxy-injector"]),
  };
}

/** Values of `linkerd-viz`: no Prometheus of its own, it reads the existing one. */
export function vizValues(channel: LinkerdChannel, { generation }: Pick<Identity, "generation">): Values {
  const component = (footprint: (typeof VIZ)[keyof typeof VIZ]) => ({
    resources: linkerdResources(footprint.containers.main),
  });
  return {
    // The chart has no annotations for its pods.
    podLabels: { [TRUST]: generation },
    prometheus: { enabled: false },
    prometheusUrl: PROMETHEUS_URL,
    metricsAPI: component(VIZ.metricsAPI),
    tap: component(VIZ.tap),
    tapInjector: component(VIZ.tapInjector),
    dashboard: component(VIZ.dashboard),
    // Its Job would label the namespace, which our own Namespace resource has done. 2.14 runs it without asking.
    ...(channel === "edge" && { createNamespaceMetadataJob: false }),
  };
}
