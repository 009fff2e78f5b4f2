import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import type { AutoscalingSettings } from "../../config/autoscaling";
import { replicas } from "../bookinfo/resilience";
import { isScaled, type Workload, workloadLabels, workloadName, WORKLOADS } from "../bookinfo/services";
import { mostPods } from "./footprint";
import { MetricsServer } from "./metrics-server";

export interface AutoscalingArgs {
  settings: AutoscalingSettings;
  pinToControlPlane: boolean;
  /** Bookinfo's. */
  namespace: pulumi.Input<string>;
}

/** One at a time: a Java server that starts takes a whole core of a t3.medium for half a minute. */
const ONE_A_MINUTE = [{ type: "Pods", value: 1, periodSeconds: 60 }];

/**
 * How fast the number follows. Up when the load has lasted for half a minute; down when for five minutes nothing asked for
 * more, so that a wave of load finds the pods that the one before it made.
 */
const BEHAVIOR = {
  scaleUp: { stabilizationWindowSeconds: 30, selectPolicy: "Max", policies: ONE_A_MINUTE },
  scaleDown: { stabilizationWindowSeconds: 300, selectPolicy: "Max", policies: ONE_A_MINUTE },
};

/**
 * A HorizontalPodAutoscaler for productpage and one for each version of reviews, and metrics-server, which they go by.
 *
 * They look at the application's own container: the mesh's proxy beside it has a budget of its own.
 */
export class Autoscaling extends pulumi.ComponentResource {
  constructor(name: string, args: AutoscalingArgs, opts?: pulumi.ComponentResourceOptions) {
    super("daybreak:k8s:Autoscaling", name, { ...args.settings }, opts);
    const { pinToControlPlane, namespace } = args;
    const metrics = new MetricsServer("metrics-server", { pinToControlPlane }, { parent: this });
    for (const workload of WORKLOADS.filter(isScaled)) {
      const id = workloadName(workload);
      const labels = workloadLabels(workload);
      new k8s.autoscaling.v2.HorizontalPodAutoscaler(
        id,
        { metadata: { name: id, namespace, labels }, spec: autoscalerSpec(id, workload, args) },
        { parent: this, dependsOn: [metrics.api] },
      );
    }
    this.registerOutputs({});
  }
}

function autoscalerSpec(name: string, workload: Workload, { settings, pinToControlPlane }: AutoscalingArgs) {
  return {
    scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name },
    minReplicas: replicas(workload, pinToControlPlane),
    maxReplicas: mostPods(workload, settings.maximum, pinToControlPlane),
    metrics: [
      {
        type: "ContainerResource",
        containerResource: {
          name: "cpu",
          container: workload.service,
          target: { type: "Utilization", averageUtilization: settings.cpuPercent },
        },
      },
    ],
    behavior: BEHAVIOR,
  } satisfies k8s.types.input.autoscaling.v2.HorizontalPodAutoscalerSpec;
}
