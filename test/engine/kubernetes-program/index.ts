/**
 * The program of the Kubernetes engine tests: makes the resources that a file lists, through the real SDK.
 * The file's name comes in DAYBREAK_TEST_RESOURCES, the kubeconfig's in DAYBREAK_TEST_KUBECONFIG.
 */
import { readFileSync } from "node:fs";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { Wanted } from "./wanted";

type Constructor = new (name: string, args: object, opts: pulumi.CustomResourceOptions) => pulumi.CustomResource;

const wanted = JSON.parse(readFileSync(process.env.DAYBREAK_TEST_RESOURCES ?? "", "utf8")) as Wanted[];
const kubeconfig = pulumi.secret(readFileSync(process.env.DAYBREAK_TEST_KUBECONFIG ?? "", "utf8"));
const provider = new k8s.Provider("cluster", { kubeconfig, clusterIdentifier: "engine-test" });

const made = new Map<string, pulumi.CustomResource>();
for (const { type, name, args, after = [], ...options } of wanted) {
  // "apps.v1.Deployment" → k8s.apps.v1.Deployment
  const constructor = type.split(".").reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], k8s);
  const dependsOn = after.flatMap((other) => made.get(other) ?? []);
  const resource = new (constructor as Constructor)(name, args, { provider, dependsOn, ...options });
  made.set(name, resource);
}
