import { VIEWER_RULES } from "../../../../k8s/access/viewer";
import { type Run, runK8s } from "../../k8s-program";

let run: Run;

beforeAll(async () => {
  run = await runK8s();
}, 30_000);

describe("the viewer", () => {
  it("reads, and does nothing else", () => {
    expect(new Set(VIEWER_RULES.flatMap(({ verbs }) => verbs))).toEqual(new Set(["get", "list", "watch"]));
  });

  it("sees no Secret and gets into no pod", () => {
    for (const { apiGroups, resources } of VIEWER_RULES) {
      expect(apiGroups).not.toContain("*");
      if (apiGroups.includes(""))
        expect(resources).not.toEqual(expect.arrayContaining([expect.stringMatching(/^\*|secrets|proxy|pods\//)]));
    }
  });

  it.each(["daybreak-viewer-view", "daybreak-viewer-more"])("is bound by the name in its certificate (%s)", (name) => {
    expect(run.get("rbac.authorization.k8s.io/v1:ClusterRoleBinding", name).inputs["subjects"]).toEqual([
      { apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "daybreak-viewer-04090f8b3e3b" },
    ]);
  });
});
