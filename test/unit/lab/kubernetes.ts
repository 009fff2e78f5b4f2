/** The lab's Kubernetes plugin without any cluster: names, comparison, readiness, what messages say. */
import { parseWaitFor } from "../../../lab/plugins/kubernetes/await/condition";
import { podReason, troublesOf, unreadyPods } from "../../../lab/plugins/kubernetes/await/pods";
import * as workloads from "../../../lab/plugins/kubernetes/await/workloads";
import { DEFAULT_SETTINGS } from "../../../lab/plugins/kubernetes/cluster";
import { diffObjects } from "../../../lab/plugins/kubernetes/diff";
import { liveInputs } from "../../../lab/plugins/kubernetes/drift";
import { fieldManager, withName } from "../../../lab/plugins/kubernetes/name";
import { fromWire, kindOfToken, selectorText, toWire } from "../../../lab/plugins/kubernetes/object";
import { kubernetes, settingsOf } from "../../../lab/plugins/kubernetes/provider";
import { namesIn, pack, unpack } from "../../../lab/plugins/kubernetes/release-record";
import { plainResource } from "../../../lab/plugins/kubernetes/resource";
import type { Properties, ResourceType } from "../../../lab/plugins/server/provider";
import { UNKNOWN } from "../../../lab/plugins/server/provider";
import { contextFor, objectOf } from "../lab-kubernetes-context";

test("tokens of plain resources say API version and kind; others are not served", () => {
  expect(kindOfToken("kubernetes:core/v1:ConfigMap")).toEqual({ apiVersion: "v1", kind: "ConfigMap" });
  expect(kindOfToken("kubernetes:apps/v1:Deployment")).toEqual({ apiVersion: "apps/v1", kind: "Deployment" });
  expect(kindOfToken("kubernetes:monitoring.coreos.com/v1:PodMonitor")?.kind).toBe("PodMonitor");
  expect(kindOfToken("kubernetes:helm.sh/v4:Chart")).toBeUndefined();
  expect(kindOfToken("kubernetes:yaml:ConfigFile")).toBeUndefined();
});

test("an object without a name gets one that stays, and says so", () => {
  const first = withName({ metadata: { namespace: "a" } }, undefined, "web");
  expect(first).toMatchObject({ metadata: { annotations: { "pulumi.com/autonamed": "true" } } });
  expect((first.metadata as { name: string }).name).toMatch(/^web-[0-9a-f]{8}$/);
  expect(withName({ metadata: {} }, first, "web")).toMatchObject({
    metadata: { name: (first.metadata as Properties).name },
  });
  expect(withName({ metadata: { name: UNKNOWN } }, undefined, "web")).toEqual({ metadata: { name: UNKNOWN } });
});

test("the field manager is the same for the same resource, and one that was recorded is kept", () => {
  expect(fieldManager("urn:a", {})).toBe(fieldManager("urn:a", {}));
  expect(fieldManager("urn:a", {})).not.toBe(fieldManager("urn:b", {}));
  expect(fieldManager("urn:a", {}, { __fieldManager: "old" })).toBe("old");
});

test("names of the SDK's x_kubernetes fields change on the way to the API and back", () => {
  const schema = { x_kubernetes_preserve_unknown_fields: true, gone: null, list: [{ x_kubernetes_list_type: "map" }] };
  const wire = { "x-kubernetes-preserve-unknown-fields": true, list: [{ "x-kubernetes-list-type": "map" }] };
  expect(toWire(schema)).toEqual(wire);
  expect(fromWire(wire)).toEqual({
    x_kubernetes_preserve_unknown_fields: true,
    list: [{ x_kubernetes_list_type: "map" }],
  });
});

describe("differences", () => {
  const diff = (kind: string, olds: object, news: object, apiVersion = "apps/v1") =>
    diffObjects(objectOf(kind, olds, apiVersion), objectOf(kind, news, apiVersion), DEFAULT_SETTINGS);

  test("nothing changed, or only the namespace `default` was written down", () => {
    expect(diff("Deployment", { spec: { replicas: 1 } }, { spec: { replicas: 1 } })).toEqual({ changes: false });
    const written = diffObjects(
      { kind: "Pod", metadata: { name: "a" } },
      { kind: "Pod", metadata: { name: "a", namespace: "default" } },
      DEFAULT_SETTINGS,
    );
    expect(written.changes).toBe(false);
  });

  test.each([
    ["Deployment", "apps/v1", { replicas: 1 }, { replicas: 2 }, false],
    [
      "Deployment",
      "apps/v1",
      { selector: { matchLabels: { a: "1" } } },
      { selector: { matchLabels: { a: "2" } } },
      true,
    ],
    ["Job", "batch/v1", { template: { a: 1 } }, { template: { a: 2 } }, true],
    ["Service", "v1", { clusterIP: "None" }, { ports: [] }, true],
    ["Service", "v1", { ports: [{ port: 1 }] }, { ports: [{ port: 2 }] }, false],
    ["StatefulSet", "apps/v1", { volumeClaimTemplates: [] }, { volumeClaimTemplates: [{}] }, true],
    ["Pod", "v1", { containers: [{ image: "a" }] }, { containers: [{ image: "b" }] }, true],
    ["Pod", "v1", { tolerations: [] }, { tolerations: [{}] }, false],
  ])("%s (%s) %j → %j replaces: %s", (kind, apiVersion, olds, news, replaces) => {
    const difference = diff(kind, { spec: olds }, { spec: news }, apiVersion);
    expect(difference.changes).toBe(true);
    expect(difference.replaces?.length).toBe(replaces ? 1 : 0);
    expect(difference.deleteBeforeReplace).toBe(replaces);
  });

  test("data of a ConfigMap or Secret replaces unless the provider says otherwise; a generated name needs no gap", () => {
    const [olds, news] = [objectOf("ConfigMap", { data: { a: "1" } }, "v1"), objectOf("ConfigMap", { data: {} }, "v1")];
    expect(diffObjects(olds, news, DEFAULT_SETTINGS)).toMatchObject({ replaces: ["data"], deleteBeforeReplace: true });
    const mutable = { ...DEFAULT_SETTINGS, enableConfigMapMutable: true };
    expect(diffObjects(olds, news, mutable)).toMatchObject({ replaces: [] });
    news.metadata.annotations = { "pulumi.com/autonamed": "true" };
    expect(diffObjects(olds, news, DEFAULT_SETTINGS)).toMatchObject({ deleteBeforeReplace: false });
  });

  test("drift keeps the program's spelling where the server means the same", () => {
    const inputs = objectOf("Deployment", { spec: { replicas: 2, cpu: "0.5", gone: "x", list: [{ a: 1 }] } });
    const expected = objectOf("Deployment", { spec: { replicas: 2, cpu: "500m", gone: "x", list: [{ a: 1, b: 0 }] } });
    const live = objectOf("Deployment", { spec: { replicas: 5, cpu: "500m", list: [{ a: 1, b: 0 }], other: 1 } });
    const found = liveInputs(inputs, expected, live);
    expect(found.spec).toEqual({ replicas: 5, cpu: "0.5", list: [{ a: 1 }] });
  });

  test("drift of a Secret's stringData is seen through its data", () => {
    const base64 = (text: string) => Buffer.from(text).toString("base64");
    const inputs = objectOf("Secret", { stringData: { a: "1", b: "2" } }, "v1");
    const expected = objectOf("Secret", { data: { a: base64("1"), b: base64("2") } }, "v1");
    const live = objectOf("Secret", { data: { a: base64("9"), b: base64("2") } }, "v1");
    expect(liveInputs(inputs, expected, live).stringData).toEqual({ a: "9", b: "2" });
  });
});

describe("readiness", () => {
  const judge = (kind: { judge: typeof workloads.deployment.judge }, spec: object, status: object) =>
    kind.judge(objectOf("X", { spec, status }), { cluster: undefined as never, seconds: 0 });
  const observed = { observedGeneration: 1 };

  test("a Deployment is ready when all pods are new and available and no old ones are left", () => {
    const full = { ...observed, replicas: 2, updatedReplicas: 2, availableReplicas: 2 };
    expect(judge(workloads.deployment, { replicas: 2 }, full)).toMatchObject({ ready: true });
    expect(judge(workloads.deployment, { replicas: 2 }, { ...full, replicas: 3 })).toMatchObject({ ready: false });
    expect(judge(workloads.deployment, { replicas: 2 }, { ...full, availableReplicas: 1 })).toMatchObject({
      ready: false,
      status: "1/2 ready",
    });
    expect(judge(workloads.deployment, {}, { ...full, observedGeneration: 0 })).toMatchObject({ ready: false });
    expect(judge(workloads.deployment, { replicas: 0 }, observed)).toMatchObject({ ready: true });
    const conditions = [{ type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded", message: "slow" }];
    expect(judge(workloads.deployment, {}, { ...observed, conditions })).toMatchObject({
      failed: ["progress deadline exceeded: slow"],
    });
  });

  test("StatefulSet, DaemonSet and Job", () => {
    const set = { ...observed, readyReplicas: 1, updatedReplicas: 1, currentRevision: "a", updateRevision: "a" };
    expect(judge(workloads.statefulSet, {}, set)).toMatchObject({ ready: true });
    expect(judge(workloads.statefulSet, {}, { ...set, updateRevision: "b" })).toMatchObject({ ready: false });
    const daemon = { ...observed, desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 2 };
    expect(judge(workloads.daemonSet, {}, daemon)).toMatchObject({ ready: false, status: "2/3 nodes ready" });
    expect(judge(workloads.job, {}, { conditions: [{ type: "Complete", status: "True" }] })).toMatchObject({
      ready: true,
    });
    const failed = [{ type: "Failed", status: "True", reason: "BackoffLimitExceeded", message: "6 tries" }];
    expect(judge(workloads.job, {}, { conditions: failed })).toMatchObject({
      failed: ["BackoffLimitExceeded: 6 tries"],
    });
  });

  test("pulumi.com/waitFor knows conditions and paths, and refuses anything else", () => {
    const object = objectOf("Box", {
      status: { phase: "Running", list: [{ type: "A", value: 1 }], conditions: [{ type: "Ready", status: "True" }] },
    });
    expect(parseWaitFor("condition=Ready")(object)).toBe(true);
    expect(parseWaitFor("condition=Ready=False")(object)).toBe(false);
    expect(parseWaitFor("jsonpath={.status.phase}=Running")(object)).toBe(true);
    expect(parseWaitFor('jsonpath={.status.list[?(@.type=="A")].value}=1')(object)).toBe(true);
    expect(parseWaitFor("jsonpath={.status.absent}")(object)).toBe(false);
    expect(parseWaitFor('["condition=Ready", "jsonpath={.status.list[0].value}=2"]')(object)).toBe(false);
    expect(() => parseWaitFor("ready")).toThrow(/prefix/);
    expect(() => parseWaitFor("[]")).toThrow(/at least one/);
    expect(() => parseWaitFor("jsonpath={status}")).toThrow(/can't read the path/);
  });

  test("a pod that hangs says in which container and why", () => {
    const waiting = { waiting: { reason: "ImagePullBackOff", message: "no such image" } };
    const pod = objectOf("Pod", { status: { phase: "Pending", containerStatuses: [{ name: "web", state: waiting }] } });
    expect(podReason(pod)).toBe("ImagePullBackOff");
    const crash = { name: "init", state: { terminated: { reason: "Error", exitCode: 3 } } };
    const initialising = objectOf("Pod", {
      status: { initContainerStatuses: [crash], containerStatuses: [{ name: "web", state: { waiting: {} } }] },
    });
    expect(troublesOf(initialising)).toMatchObject([{ container: "init", reason: "Error", logged: true }]);
    const ready = objectOf("Pod", { status: { conditions: [{ type: "Ready", status: "True" }] } });
    expect(unreadyPods([pod, ready])).toEqual([pod]);
  });
});

test("selectors become the text of a request", () => {
  const matchExpressions = [
    { key: "tier", operator: "In", values: ["a", "b"] },
    { key: "old", operator: "DoesNotExist" },
  ];
  expect(selectorText({ matchLabels: { app: "web" }, matchExpressions })).toBe("app=web,tier in (a,b),!old");
});

describe("the provider's configuration", () => {
  const config = (server: string, more: object = {}) => ({
    kubeconfig: `{"clusters":[{"name":"c","cluster":{"server":"${server}"}}],"users":[{"name":"u","user":{"token":"${Math.random()}"}}],"contexts":[{"name":"x","context":{"cluster":"c","user":"u"}}],"current-context":"x"}`,
    ...more,
  });
  const diff = (olds: Properties, news: Properties) => kubernetes.diffConfig?.(olds, news, contextFor({}));

  test("another user is an update, another server needs new resources", () => {
    expect(diff(config("https://a"), config("https://a"))).toMatchObject({ changes: true, replaces: [] });
    expect(diff(config("https://a"), config("https://b"))).toMatchObject({ replaces: ["kubeconfig"] });
    expect(diff(config("https://a"), { kubeconfig: UNKNOWN })).toMatchObject({ replaces: ["kubeconfig"] });
  });

  test("with clusterIdentifier only its own change replaces", () => {
    const one = { clusterIdentifier: "one" };
    expect(diff(config("https://a", one), config("https://b", one))).toMatchObject({ changes: true, replaces: [] });
    expect(diff(config("https://a", one), { kubeconfig: UNKNOWN, ...one })).toMatchObject({ replaces: [] });
    const other = config("https://a", { clusterIdentifier: "two" });
    expect(diff(config("https://a", one), other)).toMatchObject({ replaces: ["clusterIdentifier"] });
  });

  test("settings come from the configuration, then from the environment", () => {
    expect(settingsOf({}, "default").namespace).toBeUndefined();
    process.env.PULUMI_K8S_DELETE_UNREACHABLE = "true";
    expect(settingsOf({}, "shop")).toMatchObject({ namespace: "shop", deleteUnreachable: true });
    expect(settingsOf({ deleteUnreachable: false }, undefined).deleteUnreachable).toBe(false);
    delete process.env.PULUMI_K8S_DELETE_UNREACHABLE;
  });

  test("client-side apply is refused", async () => {
    const checked = await kubernetes.checkConfig?.({ enableServerSideApply: false }, undefined, contextFor({}));
    expect(checked?.failures).toMatchObject([{ property: "enableServerSideApply" }]);
  });
});

test.each([
  ["kubernetes:core/v1:ConfigMapList", { items: [] }, /list resources/],
  ["kubernetes:core/v1:ConfigMapPatch", { kind: "ConfigMap", metadata: { name: "a" } }, /Patch resources/],
  ["kubernetes:core/v1:ConfigMap", { apiVersion: "v2" }, /has to be v1/],
  ["kubernetes:core/v1:Pod", { metadata: { generateName: "a-" } }, /server-side apply/],
])("%s %j is refused", async (token, inputs, reason) => {
  const type = plainResource(token) as ResourceType;
  const checked = await type.check?.(inputs, undefined, contextFor({}));
  expect(checked?.failures.map((failure) => failure.reason).join()).toMatch(reason);
});

test("a helm record is read and written, names of its objects found", () => {
  const record = { name: "tiny", info: { status: "deployed" } };
  expect(unpack({ data: { release: pack(record) } })).toEqual(record);
  const manifest = [
    "---\n# Source: tiny/a.yaml\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  labels:\n    name: no\n  name: web",
    '---\napiVersion: v1\nkind: Service\nmetadata:\n  name: "front"\n  namespace: shop\nspec:\n  name: no',
    "---\n# empty\n",
  ].join("\n");
  expect(namesIn(manifest)).toEqual({ "Deployment.apps/apps/v1": ["web"], "Service/v1": ["shop/front"] });
});
