/** The lab's Kubernetes plugin against a played API server, one for each test: what it asks, what it tries again, what it keeps. */
import { remove } from "../../../lab/plugins/kubernetes/await/removal";
import { awaitReady } from "../../../lab/plugins/kubernetes/await/readiness";
import type { KubeObject } from "../../../lab/plugins/kubernetes/object";
import { plainResource } from "../../../lab/plugins/kubernetes/resource";
import { PartialError, type Properties, type ResourceType, UNKNOWN } from "../../../lab/plugins/server/provider";
import { type Answer, clusterAt, contextFor, objectOf, withApi } from "../lab-kubernetes-context";

const KINDS = {
  resources: [
    { name: "deployments", kind: "Deployment", namespaced: true },
    { name: "deployments/status", kind: "Deployment", namespaced: true },
    { name: "namespaces", kind: "Namespace", namespaced: false },
  ],
};

const NOT_FOUND = { kind: "Status", reason: "NotFound", message: "not found", code: 404 };

/** Answers discovery and the version; the rest is the test's. */
function api(answer: Answer): Answer {
  return (request, body) => {
    const path = request.url ?? "";
    if (path === "/version") return [200, { gitVersion: "v1.35.4" }];
    if (path === "/apis/apps/v1" || path === "/api/v1") return [200, KINDS];
    return answer(request, body);
  };
}

const deploymentType = plainResource("kubernetes:apps/v1:Deployment") as ResourceType;
const inputs = objectOf("Deployment", { spec: { replicas: 1 } });

test.concurrent("creates by server-side apply, strictly, under a manager of its own", async () => {
  const asked: { url: string; body: unknown }[] = [];
  const answer = api((request, body) => {
    if (request.method === "GET") return asked.length === 0 ? [404, NOT_FOUND] : [200, { items: [] }];
    asked.push({ url: request.url ?? "", body: JSON.parse(body) });
    const status = { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 };
    return [201, { ...inputs, status }];
  });
  const made = await withApi(answer, (cluster) => deploymentType.create(inputs, contextFor(cluster)));
  expect(made.id).toBe("shop/web");
  const [{ url } = { url: "" }] = asked;
  expect(url).toMatch(/^\/apis\/apps\/v1\/namespaces\/shop\/deployments\/web\?/);
  expect(url).toMatch(/fieldManager=pulumi-kubernetes-[0-9a-f]{8}&force=false&fieldValidation=Strict$/);
  expect(asked[0]?.body).toEqual(inputs);
});

test.concurrent(
  "an object that exists is refused, unless an interrupted run of the same resource applied it",
  async () => {
    const other = { ...inputs, metadata: { ...inputs.metadata, managedFields: [{ manager: "kubectl" }] } };
    const refused = withApi(
      api(() => [200, other]),
      (cluster) => deploymentType.create(inputs, contextFor(cluster)),
    );
    await expect(refused).rejects.toThrow(/Deployment shop\/web already exists/);
  },
);

test.concurrent("what isn't ready in time is kept, with pods and reasons", async () => {
  const pod = objectOf("Pod", {
    status: { containerStatuses: [{ name: "web", state: { waiting: { reason: "ErrImagePull", message: "gone" } } }] },
  });
  let made = false;
  const answer = api((request) => {
    if (request.method === "PATCH") made = true;
    if (/\/pods/.test(request.url ?? "")) return [200, { items: [pod] }];
    if (/\/events/.test(request.url ?? "")) return [200, { items: [] }];
    return made ? [200, { ...inputs, spec: { replicas: 1, selector: { matchLabels: { a: "b" } } } }] : [404, NOT_FOUND];
  });
  const work = withApi(answer, (cluster) => deploymentType.create(inputs, contextFor(cluster, { timeoutSeconds: 1 })));
  const error = await work.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(PartialError);
  const { id, reasons } = error as PartialError;
  expect(id).toBe("shop/web");
  expect(reasons.join("\n")).toMatch(/Pod shop\/web: container web ErrImagePull: gone/);
  expect(reasons.join("\n")).toMatch(/kubectl -n shop describe pod web/);
});

test.concurrent("a cancel ends the wait at once and says so", async () => {
  const controller = new AbortController();
  const answer = api((request) => (/\/(pods|events)/.test(request.url ?? "") ? [200, { items: [] }] : [200, inputs]));
  const context = { signal: controller.signal };
  setTimeout(() => controller.abort(new Error("cancelled")), 300);
  const work = withApi(answer, (cluster) => awaitReady(cluster, inputs, contextFor(cluster, context)));
  await expect(work).rejects.toThrow(/Deployment shop\/web: cancelled/);
});

test.concurrent("asks again while the server is busy, and gives its words when it refuses", async () => {
  let asked = 0;
  const busy = api(() => (++asked < 3 ? [503, { message: "busy" }] : [200, inputs]));
  const place = { apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name: "web" };
  const found = await withApi(busy, (cluster) => cluster.get(place));
  expect(found?.metadata.name).toBe("web");
  const wrong = api(() => [400, { reason: "BadRequest", message: ".spec.replica: field not declared in schema" }]);
  const refused = withApi(
    wrong,
    (cluster) =>
      deploymentType.update?.({ id: "", state: {}, inputs }, inputs, contextFor(cluster)) ??
      Promise.reject(new Error("no update")),
  );
  await expect(refused).rejects.toThrow(/Deployment shop\/web was refused.*\.spec\.replica: field not declared/);
});

test.concurrent(
  "a preview asks for a dry run, and goes without where something isn't known or isn't there",
  async () => {
    const queries: string[] = [];
    const answer = api((request) => {
      queries.push(request.url ?? "");
      return [200, { ...inputs, spec: { replicas: 1, paused: false }, status: {} }];
    });
    const expected = await withApi(answer, async (cluster) => deploymentType.preview?.(inputs, contextFor(cluster)));
    expect(queries).toEqual([expect.stringContaining("dryRun=All")]);
    expect(expected).toMatchObject({ spec: { paused: false }, status: UNKNOWN, metadata: { uid: UNKNOWN } });
    const unknown = { ...inputs, spec: { replicas: UNKNOWN } };
    expect(await deploymentType.preview?.(unknown, contextFor({}))).toEqual({ ...unknown, status: UNKNOWN });
    const missing = api(() => [404, { ...NOT_FOUND, message: 'namespaces "shop" not found' }]);
    const early = await withApi(missing, async (cluster) => deploymentType.preview?.(inputs, contextFor(cluster)));
    expect(early).toEqual({ ...inputs, status: UNKNOWN });
  },
);

test.concurrent(
  "a removal says what holds the object, and takes an object of another uid for the end of it",
  async () => {
    const held: KubeObject = { ...inputs, metadata: { ...inputs.metadata, uid: "1", finalizers: ["test/keep"] } };
    const answer = api((request) => [200, request.method === "DELETE" ? {} : held]);
    const stuck = withApi(answer, (cluster) => remove(cluster, held, contextFor(cluster, { timeoutSeconds: 1 })));
    await expect(stuck).rejects.toThrow(
      /Deployment shop\/web is still there \(not gone after 1 s\); held by test\/keep/,
    );
    const renewed = { ...held, metadata: { ...held.metadata, uid: "2" } };
    const replaced = api((request) => [200, request.method === "DELETE" ? {} : renewed]);
    await withApi(replaced, (cluster) => remove(cluster, held, contextFor(cluster)));
  },
);

describe("a cluster that doesn't answer", () => {
  const existing = { id: "shop/web", state: inputs, inputs: inputs as Properties };
  // Port 1 of loopback: refused at once.
  const dead = (settings: object) => contextFor(clusterAt("http://127.0.0.1:1", settings));

  test.concurrent(
    "refuses with the way out",
    async () => {
      await expect(deploymentType.delete?.(existing, dead({}))).rejects.toThrow(/PULUMI_K8S_DELETE_UNREACHABLE/);
    },
    15_000,
  );

  test.concurrent(
    "lets go, or keeps the old state, where the provider says so",
    async () => {
      await deploymentType.delete?.(existing, dead({ deleteUnreachable: true }));
      expect(await deploymentType.read?.(existing, dead({ skipUpdateUnreachable: true }))).toEqual(existing);
    },
    25_000,
  );
});
