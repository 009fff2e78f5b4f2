import type { V1Pod } from "@kubernetes/client-node";

import { proxyKind } from "../../../check/mesh";
import { isReady, podReason, podStatus, readyColumn } from "../../../check/pod-status";

describe("the state of a pod, as kubectl shows it", () => {
  const pod = (spec: object, status: object): V1Pod => ({ spec, status }) as V1Pod;
  const waiting = (name: string, reason: string) => ({ name, ready: false, state: { waiting: { reason } } });

  it("A: PostStartHookError", () => {
    const picture = pod(
      { containers: [{ name: "linkerd-proxy" }, { name: "destination" }] },
      {
        phase: "Pending",
        containerStatuses: [waiting("linkerd-proxy", "PostStartHookError"), waiting("destination", "PodInitializing")],
      },
    );
    expect(podStatus(picture)).toBe("PostStartHookError");
    expect(readyColumn(picture)).toBe("0/2");
    expect(proxyKind(picture)).toBe("ordinary");
    expect(isReady(picture)).toBe(false);
  });

  it("B: Init:1/2 behind a native sidecar that doesn't start", () => {
    const picture = pod(
      {
        initContainers: [{ name: "linkerd-init" }, { name: "linkerd-proxy", restartPolicy: "Always" }],
        containers: [{ name: "app" }],
      },
      {
        phase: "Pending",
        initContainerStatuses: [
          { name: "linkerd-init", ready: true, state: { terminated: { exitCode: 0 } } },
          { name: "linkerd-proxy", ready: false, started: false, state: { running: {} } },
        ],
        containerStatuses: [waiting("app", "PodInitializing")],
      },
    );
    expect(podStatus(picture)).toBe("Init:1/2");
    expect(readyColumn(picture)).toBe("0/2");
    expect(proxyKind(picture)).toBe("native");
  });

  it("an image that cannot be pulled, with the reason", () => {
    const picture = pod(
      { containers: [{ name: "app" }] },
      {
        phase: "Pending",
        containerStatuses: [
          { name: "app", ready: false, state: { waiting: { reason: "ErrImagePull", message: "not\n found" } } },
        ],
      },
    );
    expect(podStatus(picture)).toBe("ErrImagePull");
    expect(podReason(picture)).toBe("not found");
  });
});
