import type { EngineEvent } from "@pulumi/pulumi/automation";

import { Progress } from "../../../check/progress";
import { withoutResources } from "../../../cli/destroy";
import { describeChanges, describePhases, explainFailure } from "../../../cli/operation";
import { describe as describeUrn, UpdateProgress, withoutColours } from "../../../cli/progress";
import { layersOf, UserError } from "../../../cli/stacks";
import { describeStack } from "../../../cli/status";
import { describeAccess } from "../../../cli/up";

const INSTANCE = "urn:pulumi:dev::daybreak::daybreak:infra:Nodes$aws:ec2/instance:Instance::worker-1";
const COMPONENT = "urn:pulumi:dev::daybreak::daybreak:infra:Nodes::nodes";

class Lines extends Progress {
  readonly lines: string[] = [];
  constructor() {
    super(process.stdout, false);
  }
  override print(lines: string[]): void {
    this.lines.push(...lines);
  }
}

/** Feeds events to a progress whose clock goes on by a second with each. */
function show(events: object[], planning = false): { lines: string[]; progress: UpdateProgress } {
  const out = new Lines();
  let now = 0;
  const progress = new UpdateProgress(out, "up dev", planning, () => (now += 1000));
  for (const event of events) progress.onEvent(event as EngineEvent);
  return { lines: out.lines, progress };
}

const step = (kind: string, urn: string, op: string) => ({ [kind]: { metadata: { urn, op } } });

describe("live progress", () => {
  it("prints a resource when it is done, with its time", () => {
    const { lines } = show([step("resourcePreEvent", INSTANCE, "create"), step("resOutputsEvent", INSTANCE, "create")]);
    expect(lines).toEqual(["  + aws:ec2:Instance worker-1  1.0 s"]);
  });

  it("says which one failed and prints each error once, without colours", () => {
    const error = { diagnosticEvent: { urn: INSTANCE, message: "<{%fg 1%}>no\nway<{%reset%}>", severity: "error" } };
    const { lines, progress } = show([
      step("resourcePreEvent", INSTANCE, "create"),
      error,
      error,
      step("resOpFailedEvent", INSTANCE, "create"),
    ]);
    expect(lines).toEqual([
      "  ✘ aws:ec2:Instance worker-1: no",
      "    way",
      "  ✘ aws:ec2:Instance worker-1 (create failed)  1.0 s",
    ]);
    expect(progress.outcome.errors).toEqual(["no\nway"]);
  });

  it("leaves out what stays the same, components, and output that is only passing", () => {
    const { lines } = show([
      step("resourcePreEvent", INSTANCE, "same"),
      step("resOutputsEvent", INSTANCE, "same"),
      step("resourcePreEvent", COMPONENT, "create"),
      step("resOutputsEvent", COMPONENT, "create"),
      { diagnosticEvent: { message: "waiting", severity: "info", ephemeral: true } },
    ]);
    expect(lines).toEqual([]);
  });

  it("lists what a preview plans", () => {
    expect(show([step("resourcePreEvent", INSTANCE, "replace")], true).lines).toEqual([
      "  ± aws:ec2:Instance worker-1",
    ]);
  });

  it("keeps the engine's own count of changes", () => {
    const { progress } = show([{ summaryEvent: { resourceChanges: { create: 3, same: 2 } } }]);
    expect(describeChanges(progress.outcome.changes)).toBe("3 created");
  });
});

describe("names", () => {
  it("are those of Pulumi's own display", () => {
    expect(describeUrn(INSTANCE)).toBe("aws:ec2:Instance worker-1");
    expect(describeUrn("urn:pulumi:dev::daybreak::random:index/randomPassword:RandomPassword::grafana-admin")).toBe(
      "random:RandomPassword grafana-admin",
    );
    expect(describeUrn("urn:pulumi:d::p::kubernetes:helm.sh/v3:Release::prometheus")).toBe(
      "kubernetes:helm.sh/v3:Release prometheus",
    );
    expect(withoutColours("\u001b[31mred\u001b[0m")).toBe("red");
  });

  it("of the two stacks belong together", () => {
    expect(layersOf("lab").map(({ name }) => name)).toEqual(["lab", "lab-k8s"]);
  });
});

describe("the summary", () => {
  it("says 0 changes where nothing changed", () => {
    expect(describeChanges({ same: 61 })).toBe("0 changes, 61 unchanged");
    expect(describeChanges({ create: 2, delete: 1, same: 3 })).toBe("2 created, 1 deleted");
  });

  it("has a time for each phase and the sum", () => {
    const phase = { verb: "up", changes: "1 created" };
    expect(
      describePhases([
        { ...phase, layer: "dev", seconds: 61 },
        { ...phase, layer: "dev-k8s", seconds: 2.04 },
      ]),
    ).toEqual([
      "  dev      up          61.0 s  1 created",
      "  dev-k8s  up           2.0 s  1 created",
      "  total                63.0 s",
    ]);
  });

  it("names commands for the secrets, never the secrets", () => {
    const outputs = {
      grafanaUrl: { value: "http://203.0.113.7:30300", secret: false },
      grafanaPassword: { value: "hunter2", secret: true },
    };
    const lines = describeAccess("dev", outputs).join("\n");
    expect(lines).toMatch("http://203.0.113.7:30300");
    expect(lines).not.toMatch("hunter2");
  });
});

describe("status", () => {
  const layer = { name: "dev", kind: "infra" } as const;

  it("shows outputs without secrets", () => {
    const lines = describeStack(
      layer,
      { exists: true, resourceCount: 47, lastUpdate: new Date("2026-11-21T12:00:00Z"), updating: true },
      { url: { value: "http://x", secret: false }, kubeconfig: { value: "key", secret: true } },
    );
    expect(lines).toEqual([
      "dev: 47 resources, last update 2026-11-21 12:00 UTC, an update is under way",
      "  url         http://x",
      "  kubeconfig  [secret]",
    ]);
  });

  it("knows a stack that was never made", () => {
    expect(describeStack(layer, { exists: false, updating: false }, {})[0]).toMatch(/does not exist/);
  });
});

describe("a dead cluster's workloads", () => {
  it("are forgotten whole, the rest of the state is kept", () => {
    const deployment = {
      version: 3,
      deployment: { manifest: { magic: "m" }, resources: [1, 2], secrets_providers: { type: "p" } },
    };
    const { emptied, count } = withoutResources(deployment);
    expect(count).toBe(2);
    expect(emptied.deployment).toEqual({
      manifest: { magic: "m" },
      secrets_providers: { type: "p" },
      resources: [],
      pending_operations: [],
    });
  });
});

describe("failures before anything began", () => {
  it.each([
    ["error: passphrase must be set with PULUMI_CONFIG_PASSPHRASE", /PULUMI_CONFIG_PASSPHRASE_FILE/],
    ["error: PULUMI_ACCESS_TOKEN must be set for login", /pulumi login/],
    ["error: something else", /something else/],
  ])("%s", (message, hint) => {
    expect(explainFailure(new Error(message))).toMatch(hint);
  });

  it("leaves words of our own alone", () => {
    expect(explainFailure(new UserError("do this"))).toBe("do this");
  });
});
