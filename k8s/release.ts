import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import type { ChartPin } from "../config/versions";
import { mergeValues, type Values } from "./values";

/** What `daybreak:charts` may say about a release. */
export interface ChartOverride {
  version?: string | undefined;
  timeoutSeconds?: number | undefined;
  /** Merged into our values, see {@link mergeValues}. */
  values?: Values | undefined;
}

/** What applies to every chart of the stack. */
export interface ChartSettings {
  /** Base URL of one Helm repository that holds all charts; replaces each chart's own. */
  chartMirror?: string | undefined;
  /** By the release's name. */
  charts?: Readonly<Record<string, ChartOverride | undefined>>;
}

/** A pinned chart, where it goes and with what. The one shape of every chart in this project. */
export interface Installation {
  /** Name of the Helm release, and the key under which `daybreak:charts` changes it. */
  release: string;
  pin: ChartPin;
  /** An existing namespace: the release never makes one, a Namespace of ours carries the Pod Security label. */
  namespace: pulumi.Input<string>;
  /** How long Helm waits for everything in it to be ready. */
  timeoutSeconds: number;
  values: Values;
}

/** The version of a chart that is installed, with the user's override. */
export function chartVersion(release: string, pin: ChartPin, settings: ChartSettings): string {
  return settings.charts?.[release]?.version ?? pin.version;
}

/** The arguments of a Release, with mirror and override applied. Pure, so that tests read them without an engine. */
export function releaseArgs(installation: Installation, settings: ChartSettings = {}) {
  const { release, pin, namespace, values } = installation;
  const override = settings.charts?.[release] ?? {};
  return {
    name: release,
    chart: pin.chart,
    version: chartVersion(release, pin, settings),
    repositoryOpts: { repo: settings.chartMirror ?? pin.repository },
    namespace,
    createNamespace: false,
    timeout: override.timeoutSeconds ?? installation.timeoutSeconds,
    // Hook Jobs (certificates of the operator's webhook) are part of being ready.
    waitForJobs: true,
    // Not atomic: that would remove the very pods whose logs say what went wrong. The failed release stays in Pulumi's
    // state, and the next `up` upgrades it. What an upgrade added before it failed is taken back.
    atomic: false,
    cleanupOnFail: true,
    maxHistory: 3,
    // Without it Helm keeps the last release's values wherever the new ones are empty.
    resetValues: true,
    values: mergeValues(values, override.values),
  } satisfies k8s.helm.v3.ReleaseArgs;
}

/**
 * Installs a pinned chart and waits until all of it is ready.
 *
 * Helm's limit is `timeoutSeconds`; Pulumi's own is a minute longer, so that the error is Helm's, which knows more.
 */
export function release(
  installation: Installation,
  settings: ChartSettings,
  opts: pulumi.CustomResourceOptions,
): k8s.helm.v3.Release {
  const args = releaseArgs(installation, settings);
  const limit = `${args.timeout + 60}s`;
  return new k8s.helm.v3.Release(installation.release, args, {
    customTimeouts: { create: limit, update: limit, delete: "5m" },
    ...opts,
  });
}
