import type { Input } from "@pulumi/pulumi";

import { loadLayer } from "../config/load";

type Outputs = Record<string, Input<unknown>> | Promise<Record<string, Input<unknown>>>;

/* eslint-disable @typescript-eslint/no-require-imports -- imports would load both programs, and each one's SDKs take half a second */
const programs = {
  infra: (): Outputs => (require("./infra") as { infraStack(): Outputs }).infraStack(),
  k8s: (): Outputs => (require("./k8s") as { k8sStack(): Outputs }).k8sStack(),
};

/** Pulumi calls the module's export and takes what it returns as the outputs of the stack. */
export = () => programs[loadLayer()]();
