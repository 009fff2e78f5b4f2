import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { images } from "../../config/versions";
import { type Budget, type Footprint, resources } from "../budget";
import { placement } from "../placement";
import { UNPRIVILEGED, unprivilegedPod } from "../security";

const BUDGET: Budget = { cpu: 5, memory: 8, memoryLimit: 64 };

/** The variable that the kubelet gives every pod of the namespace for the injector's Service: no DNS is needed. */
const INJECTOR = "https://$(LINKERD_PROXY_INJECTOR_SERVICE_HOST):$(LINKERD_PROXY_INJECTOR_SERVICE_PORT)/";

/** Seconds; kube-proxy needs one to five after a Service's pod is ready. More says that the nodes are cut off. */
const LIMIT = 90;

/**
 * A Job that ends when the injector can be reached from where the API server stands: the control-plane node's own
 * network, through the Service's address.
 *
 * That the injector's pod is ready says less: until kube-proxy on the control-plane node knows of it, the API server's
 * calls are refused, and injection fails open, so that pods made in these seconds run without a proxy and nobody notices.
 * @throws by the Job's failure, with curl's message, if it is out of reach for 90 s
 */
export function injectorWait(
  namespace: pulumi.Input<string>,
  controlPlane: k8s.helm.v3.Release,
  parent: pulumi.CustomResourceOptions,
): k8s.batch.v1.Job {
  const labels = { app: "injector-wait" };
  // A new revision moves or restarts the injector: a Job with another template is made anew, and asks again.
  const annotations = { "daybreak/control-plane-revision": revisionOf(controlPlane) };
  return new k8s.batch.v1.Job(
    "injector-wait",
    {
      metadata: { name: "injector-wait", namespace, labels },
      spec: { backoffLimit: 1, template: { metadata: { labels, annotations }, spec: podSpec() } },
    },
    { ...parent, dependsOn: [controlPlane], customTimeouts: { create: "5m" } },
  );
}

function revisionOf({ status }: k8s.helm.v3.Release): pulumi.Output<string> {
  return pulumi.output(status).apply(({ revision }) => String(revision));
}

function podSpec(): k8s.types.input.core.v1.PodSpec {
  return {
    ...placement(true),
    hostNetwork: true,
    restartPolicy: "Never",
    automountServiceAccountToken: false,
    securityContext: unprivilegedPod(65534),
    containers: [
      {
        name: "curl",
        image: images.curl,
        imagePullPolicy: "IfNotPresent",
        args: [
          ...["--insecure", "--silent", "--show-error", "--output", "/dev/null"],
          ...["--retry", String(LIMIT), "--retry-delay", "1", "--retry-connrefused", "--retry-max-time", String(LIMIT)],
          // Three times, a second apart, each on its own connection: the first answer may come from a pod that is leaving.
          ...["--connect-timeout", "2", "--rate", "60/m", "--header", "Connection: close", `${INJECTOR}?[1-3]`],
        ],
        resources: resources(BUDGET),
        securityContext: { ...UNPRIVILEGED, readOnlyRootFilesystem: true },
        terminationMessagePolicy: "FallbackToLogsOnError",
      },
    ],
  };
}

export const INJECTOR_WAIT: Footprint = {
  pod: "injector-wait",
  replicas: 1,
  pinned: true,
  meshed: false,
  containers: { curl: BUDGET },
};
