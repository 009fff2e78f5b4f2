import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { createHash } from "node:crypto";
import { stringify } from "yaml";

/** What a pod needs of a configuration. */
export interface ConfigFile {
  /** For the pods that read it: who reads a file at its start only has to be made anew for another one. */
  annotations: Record<string, string>;
  /** Named `config`, with the one file `config.yaml`. */
  volume: k8s.types.input.core.v1.Volume;
}

/** Puts a configuration into a ConfigMap, of whose name and content a pod's template is made. */
export function configFile(
  metadata: k8s.types.input.meta.v1.ObjectMeta & { name: string },
  config: object,
  opts: pulumi.CustomResourceOptions,
): ConfigFile {
  const text = stringify(config, { lineWidth: 0 });
  const map = new k8s.core.v1.ConfigMap(metadata.name, { metadata, data: { "config.yaml": text } }, opts);
  const content = createHash("sha256").update(text).digest("hex").slice(0, 16);
  return {
    annotations: { "daybreak/config": content },
    volume: { name: "config", configMap: { name: map.metadata.name } },
  };
}
