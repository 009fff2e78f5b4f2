import type { KubeConfig } from "@kubernetes/client-node";

import type { Api } from "./api";
import type { Cluster } from "./cluster";
import type { Answers } from "./dialer";
import type { CheckResult, GroupId } from "./result";
import type { Testbed } from "./testbed";

/** Where the platform should answer from outside; what is undefined is derived from the cluster or left out. */
export interface Outside {
  grafanaUrl?: string;
  bookinfoUrl?: string;
  /** Public address by node name. */
  publicAddresses: Record<string, string>;
}

/** What a group may use. */
export interface Context {
  api: Api;
  kubeConfig: KubeConfig;
  cluster: Cluster;
  outside: Outside;
  signal: AbortSignal;
  /** The test pods; undefined if they could not be made. */
  testbed: Promise<Testbed | undefined>;
  /** What the test pods say of one another. */
  answers: Promise<Answers | undefined>;
}

/** A group of checks. Groups run at the same time and don't know one another. */
export interface Group {
  id: GroupId;
  run(context: Context): Promise<CheckResult[]>;
}
