/** The lab's Kubernetes plugin against a real API server, driven by the real Pulumi CLI. No nodes: no pod ever runs. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serveCharts } from "./kubernetes-charts";
import { type ControlPlane, findTool, startControlPlane } from "./kubernetes-control-plane";
import { Project } from "./kubernetes-project";
import type { Wanted } from "./kubernetes-program/wanted";

jest.setTimeout(120_000);

const directory = mkdtempSync(join(tmpdir(), "daybreak-kubernetes-"));
let plane: ControlPlane;
let project: Project;
let charts: Awaited<ReturnType<typeof serveCharts>>;

beforeAll(async () => {
  mkdirSync(join(directory, "charts"));
  [plane, charts] = await Promise.all([startControlPlane(directory), serveCharts(join(directory, "charts"))]);
  project = await Project.create(directory, plane.kubeconfigPath);
});

afterAll(async () => {
  charts?.close();
  await plane?.stop();
  rmSync(directory, { recursive: true, force: true });
});

function kubectl(...args: string[]): string {
  const all = ["--kubeconfig", plane.kubeconfigPath, "--namespace", "tested", ...args];
  return execFileSync(findTool("kubectl") ?? "kubectl", all, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

const namespace: Wanted = { type: "core.v1.Namespace", name: "space", args: { metadata: { name: "tested" } } };

const settings: Wanted = {
  type: "core.v1.ConfigMap",
  name: "settings",
  args: { metadata: { namespace: "tested" }, data: { colour: "red" } },
  after: ["space"],
};

const hidden: Wanted = {
  type: "core.v1.Secret",
  name: "hidden",
  args: { metadata: { namespace: "tested", name: "hidden" }, stringData: { password: "very-secret-word" } },
  after: ["space"],
};

const service: Wanted = {
  type: "core.v1.Service",
  name: "front",
  args: { metadata: { namespace: "tested", name: "front" }, spec: { clusterIP: "None", ports: [{ port: 80 }] } },
  after: ["space"],
};

function deployment(replicas: number, label = "web", annotations: object = {}): Wanted {
  const labels = { app: label };
  const containers = [{ name: "web", image: "nowhere.invalid/web:1", resources: { requests: { cpu: "0.1" } } }];
  return {
    type: "apps.v1.Deployment",
    name: "web",
    args: {
      metadata: { namespace: "tested", name: "web", annotations },
      spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } },
    },
    after: ["space"],
  };
}

const definition: Wanted = {
  type: "apiextensions.v1.CustomResourceDefinition",
  name: "definition",
  args: {
    metadata: { name: "boxes.engine.test" },
    spec: {
      group: "engine.test",
      scope: "Namespaced",
      names: { plural: "boxes", singular: "box", kind: "Box" },
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: "object",
              properties: { spec: { type: "object", x_kubernetes_preserve_unknown_fields: true } },
            },
          },
        },
      ],
    },
  },
};

const box: Wanted = {
  type: "apiextensions.CustomResource",
  name: "box",
  args: {
    apiVersion: "engine.test/v1",
    kind: "Box",
    metadata: { namespace: "tested", name: "box" },
    spec: { size: 3 },
  },
  after: ["space", "definition"],
};

function release(values: object, more: object = {}): Wanted {
  const repositoryOpts = { repo: charts.url };
  return {
    type: "helm.v3.Release",
    name: "tiny",
    args: { name: "tiny", chart: "tiny", version: "0.1.0", namespace: "tested", repositoryOpts, values, ...more },
    after: ["space"],
  };
}

const all = (): Wanted[] => [
  namespace,
  settings,
  hidden,
  service,
  deployment(0),
  definition,
  box,
  release({ text: "one" }),
];

const FORCE = { "pulumi.com/patchForce": "true" };

test("makes objects, custom resources and a release; a second run changes nothing", async () => {
  project.want(...all());
  // With a preview, in which nothing is there yet, not even the namespace.
  const up = await project.up("--diff");
  expect(up).toMatchObject({ code: 0, text: expect.stringMatching(/\+ 10 to create[^]*\+ 10 created/) as string });

  expect(project.outputs("settings").metadata?.name).toMatch(/^settings-[0-9a-f]{8}$/);
  expect(project.outputs("web").status).toMatchObject({ observedGeneration: 1 });
  expect(project.outputs("tiny").status).toMatchObject({ status: "deployed", revision: 1, appVersion: "7" });
  expect(kubectl("get", "configmap", "tiny", "-o", "jsonpath={.data.text}")).toBe("one");
  expect(kubectl("get", "boxes", "box", "-o", "jsonpath={.spec.size}")).toBe("3");
  expect(project.stored()).not.toContain("very-secret-word");
  expect(project.stored()).not.toContain(Buffer.from("very-secret-word").toString("base64"));

  const again = await project.preview("--expect-no-changes");
  expect(again).toMatchObject({ code: 0, text: expect.stringContaining("10 unchanged") as string });
});

test("a refresh sees what somebody else changed, and the next update takes it back", async () => {
  const { metadata } = project.outputs("settings");
  kubectl("label", "configmap", metadata?.name ?? "", "theirs=1");
  kubectl("scale", "deployment", "web", "--replicas=2");
  kubectl("delete", "box", "box");
  const refreshed = await project.refresh();
  expect(refreshed.text).toMatch(/- 1 deleted/);
  // Server-side apply doesn't take a field from another manager unless it is told to; a label that the program doesn't
  // set isn't its business.
  const conflict = await project.up("--diff", "--skip-preview");
  expect(conflict.code).not.toBe(0);
  expect(conflict.text).toMatch(/~ replicas: 2 => 0/);
  expect(conflict.text).toMatch(/field conflict[^]*kubectl/);
  project.want(...all().map((one) => (one.name === "web" ? deployment(0, "web", FORCE) : one)));
  expect(await project.up()).toMatchObject({ code: 0, text: expect.not.stringContaining("settings") as string });
  expect(kubectl("get", "deployment", "web", "-o", "jsonpath={.spec.replicas}")).toBe("0");
  expect(kubectl("get", "boxes", "box", "-o", "jsonpath={.spec.size}")).toBe("3");
});

test("refuses in the preview what the API server and the chart refuse, in their words", async () => {
  const container = { name: "c", image: "nowhere.invalid/c", imagePullPolice: "Always" };
  const pod: Wanted = {
    type: "core.v1.Pod",
    name: "wrong",
    args: { metadata: { namespace: "tested" }, spec: { containers: [container] } },
    after: ["space"],
  };
  project.want(...all(), pod);
  expect((await project.preview()).text).toMatch(/imagePullPolice: field not declared in schema/);
  project.want(...all().filter(({ name }) => name !== "tiny"), release({ unknown: "x" }));
  expect((await project.preview()).text).toMatch(/specifications of the schema/);
});

test("what isn't ready is kept with the reasons; the next update goes on, replacing what can't change", async () => {
  const rest = () => all().filter(({ name }) => name !== "web" && name !== "settings" && name !== "tiny");
  const before = project.outputs("settings").metadata?.name;
  kubectl("create", "configmap", "foreign");
  const foreign: Wanted = {
    ...settings,
    name: "foreign",
    args: { metadata: { namespace: "tested", name: "foreign" } },
  };
  const impatient = { ...FORCE, "pulumi.com/timeoutSeconds": "2" };
  project.want(...rest(), settings, release({ text: "one" }), foreign, deployment(1, "web", impatient));
  // Otherwise the one that fails first keeps the other from beginning, if it is quick enough.
  const failed = await project.up("--continue-on-error");
  expect(failed.code).not.toBe(0);
  expect(failed.text).toMatch(/ConfigMap tested\/foreign already exists in the cluster/);
  expect(failed.text).toMatch(/Deployment tested\/web: not ready after 2 s: 0\/1 ready/);
  expect(failed.text).toMatch(/Pod tested\/web-[0-9a-z-]+: Pending/);
  expect(failed.text).toMatch(/kubectl -n tested describe pod web-/);

  // Another selector and another ConfigMap's data need new objects: the named one goes first, the other one last.
  const blue: Wanted = { ...settings, args: { metadata: { namespace: "tested" }, data: { colour: "blue" } } };
  project.want(...rest(), blue, deployment(0, "renamed", FORCE), release({ text: "two" }));
  const replaced = await project.up();
  expect(replaced).toMatchObject({ code: 0, text: expect.stringMatching(/\+-2 replaced/) as string });
  expect(kubectl("get", "deployment", "web", "-o", "jsonpath={.spec.selector.matchLabels.app}")).toBe("renamed");
  expect(project.outputs("settings").metadata?.name).not.toBe(before);
  expect(kubectl("get", "configmap", "tiny", "-o", "jsonpath={.data.text}")).toBe("two");
});

test("a release that a killed helm left pending is gone on with", async () => {
  kubectl("label", "--overwrite", "secret", "sh.helm.release.v1.tiny.v2", "status=pending-upgrade");
  project.want(...all().map((one) => (one.name === "tiny" ? release({ text: "three" }) : one)));
  expect(await project.up()).toMatchObject({ code: 0 });
  expect(project.outputs("tiny").status).toMatchObject({ status: "deployed", revision: 3 });
});

test("a cluster that is gone: says so, and lets go of its resources when told to", async () => {
  const state = project.stored();
  await plane.breakDown();
  const stuck = await project.destroy();
  expect(stuck.code).not.toBe(0);
  expect(stuck.text).toMatch(/unreachable: .*ECONNREFUSED/);
  expect(stuck.text).toMatch(/PULUMI_K8S_DELETE_UNREACHABLE/);
  expect(await project.destroy({ PULUMI_K8S_DELETE_UNREACHABLE: "true" })).toMatchObject({ code: 0 });
  expect(project.stored()).not.toContain("tested/tiny");
  project.restore(state);
  await plane.repair();
});

test("a destroy leaves nothing", async () => {
  expect(await project.destroy()).toMatchObject({ code: 0 });
  expect(() => kubectl("get", "namespace", "tested")).toThrow(/not found/);
  expect(() => kubectl("get", "crd", "boxes.engine.test")).toThrow(/not found/);
});
