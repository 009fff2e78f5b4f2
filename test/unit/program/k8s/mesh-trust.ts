import { runK8s, type Run } from "../../k8s-program";

/** The steps of docs/mesh.md, from one anchor to the next. */
const STEPS = [
  {},
  { meshTrust: { anchors: [1, 2] } },
  { meshTrust: { anchors: [1, 2], signer: 2 } },
  { meshTrust: { anchors: [2] } },
];

let runs: Run[];

beforeAll(async () => {
  runs = [];
  for (const step of STEPS) runs.push(await runK8s(step));
}, 60_000);

const names = (run: Run, type: string) =>
  run.resources.filter((resource) => resource.type.endsWith(`:${type}`)).map(({ name }) => name);

const trusted = (run: Run) =>
  (run.get("helm.sh/v3:Release", "linkerd-control-plane").inputs["values"] as { identityTrustAnchorsPEM: string })
    .identityTrustAnchorsPEM;

/** The mark that makes pods anew, by workload. */
function marks(run: Run): unknown[] {
  const pods = run.resources
    .filter(({ type }) => type.endsWith("apps/v1:Deployment"))
    .map(({ inputs }) => inputs["spec"] as { template: { metadata: { annotations?: Record<string, string> } } })
    .map(({ template }) => template.metadata.annotations?.["daybreak/mesh-trust"]);
  const values = (name: string) => run.get("helm.sh/v3:Release", name).inputs["values"] as Record<string, object>;
  const plane = values("linkerd-control-plane")["podAnnotations"] as Record<string, string>;
  const viz = values("linkerd-viz")["podLabels"] as Record<string, string>;
  return [...pods.filter((mark) => mark !== undefined), plane["daybreak/mesh-trust"], viz["daybreak/mesh-trust"]];
}

describe("the way from one trust anchor to the next", () => {
  it("begins with the certificates that there are, under their names", () => {
    expect(names(runs[0] as Run, "SelfSignedCert")).toEqual(["mesh-anchor"]);
    expect(names(runs[0] as Run, "LocallySignedCert")).toEqual(["mesh-issuer"]);
  });

  it("trusts both for as long as certificates of both are about", () => {
    expect(runs.map((run) => names(run, "SelfSignedCert"))).toEqual([
      ["mesh-anchor"],
      ["mesh-anchor", "mesh-anchor-2"],
      ["mesh-anchor", "mesh-anchor-2"],
      ["mesh-anchor-2"],
    ]);
    expect(runs.map(trusted)).toEqual(["ANCHOR", "ANCHORANCHOR", "ANCHORANCHOR", "ANCHOR"]);
  });

  it("lets the new one sign only when every proxy trusts it", () => {
    const signers = runs.map((run) => {
      const { dependsOn } = run.get("locallySignedCert:LocallySignedCert", "mesh-issuer");
      return [...new Set(dependsOn.filter((name) => name.startsWith("mesh-anchor")))];
    });
    expect(signers).toEqual([["mesh-anchor"], ["mesh-anchor"], ["mesh-anchor-2"], ["mesh-anchor-2"]]);
  });

  it("makes every meshed pod anew at every step", () => {
    const steps = runs.map(marks);
    for (const step of steps) {
      expect(step.length).toBeGreaterThanOrEqual(9);
      expect(new Set(step).size).toBe(1);
      expect(step[0]).toMatch(/^[0-9a-f]{16}$/);
    }
    expect(new Set(steps.map(([mark]) => mark)).size).toBe(STEPS.length);
  });

  it("takes a new issuer of the same anchor as well", async () => {
    const run = await runK8s({ meshTrust: { issuer: 2 } });
    expect(names(run, "LocallySignedCert")).toEqual(["mesh-issuer-2"]);
    expect(marks(run)[0]).not.toBe(marks(runs[0] as Run)[0]);
  });

  it.each([
    [{ anchors: [] }, "nobody would be trusted"],
    [{ anchors: [1, 2, 3] }, "more than the old one and the new one"],
    [{ anchors: [2, 2] }, "the same anchor twice"],
    [{ anchors: [1], signer: 2 }, "signer is none of the anchors"],
  ])("refuses %j", async (meshTrust, reason) => {
    await expect(runK8s({ meshTrust })).rejects.toThrow(reason);
  });
});

describe("high availability", () => {
  const values = (run: Run) => run.get("helm.sh/v3:Release", "linkerd-control-plane").inputs["values"] as object;

  it("is three of each on three nodes, pinned to none, and no pod without a proxy", async () => {
    const run = await runK8s({ linkerdHighAvailability: true });
    expect(values(run)).toMatchObject({
      controllerReplicas: 3,
      enablePodAntiAffinity: true,
      webhookFailurePolicy: "Fail",
      tolerations: [{ key: "node-role.kubernetes.io/control-plane" }],
    });
    expect(values(run)).not.toHaveProperty("nodeSelector");
  });

  it("is off by default", () => {
    expect(values(runs[0] as Run)).not.toHaveProperty("controllerReplicas");
  });
});
