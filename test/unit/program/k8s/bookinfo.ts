import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

import { authorization } from "../../../../k8s/bookinfo/authorization";
import { routes } from "../../../../k8s/bookinfo/routes";
import { MESH_TYPES, type MeshObject } from "../../../../k8s/linkerd/types";
import { runK8s, SETTINGS } from "../../k8s-program";
import { realTypes, refused } from "../../mesh-objects";

const THIRDS = { v1: 1, v2: 1, v3: 1 };

const named = (objects: MeshObject[], kind: string, name: string) =>
  objects.find((object) => object.kind === kind && object.name === name)?.spec;

describe.each(["edge", "stable"] as const)("Bookinfo's rules in the mesh, %s", (channel) => {
  const types = MESH_TYPES[channel];
  const objects = [...routes(types, THIRDS), ...authorization(types)];

  it("have only fields that the real types have", () => {
    expect(objects.flatMap((object) => refused(object, realTypes(channel)))).toEqual([]);
  });

  it("refer to objects that are there", () => {
    const there = new Set(objects.map(({ kind, name }) => `${kind} ${name}`));
    const policies = objects.filter(({ kind }) => kind === "AuthorizationPolicy");
    for (const { spec } of policies) {
      const { targetRef, requiredAuthenticationRefs } = spec as {
        targetRef: { kind: string; name: string };
        requiredAuthenticationRefs: { kind: string; name: string }[];
      };
      for (const { kind, name } of [targetRef, ...requiredAuthenticationRefs])
        expect(there).toContain(`${kind} ${name}`);
    }
    expect(policies).toHaveLength(6);
  });

  it("let each service be called by its caller in the chain and by nobody else", () => {
    const callers = (service: string) =>
      (named(objects, "AuthorizationPolicy", service)?.["requiredAuthenticationRefs"] as object[])[0];
    const account = (service: string) => named(objects, "MeshTLSAuthentication", service)?.["identityRefs"];
    expect(callers("ratings")).toMatchObject({ kind: "MeshTLSAuthentication", name: "reviews" });
    expect(callers("reviews")).toMatchObject({ kind: "MeshTLSAuthentication", name: "productpage" });
    expect(callers("details")).toMatchObject({ kind: "MeshTLSAuthentication", name: "productpage" });
    expect(callers("productpage")).toMatchObject({ kind: "NetworkAuthentication", name: "anybody" });
    expect(account("reviews")).toEqual([{ kind: "ServiceAccount", name: "bookinfo-reviews" }]);
    expect(account("productpage")).toEqual([{ kind: "ServiceAccount", name: "bookinfo-productpage" }]);
  });

  it("have no HTTPRoute at the services' ports: the kubelet's probes would not pass by themselves", () => {
    const parents = objects
      .filter(({ kind }) => kind === "HTTPRoute")
      .flatMap(({ spec }) => spec["parentRefs"] as { kind: string; name: string }[])
      .filter(({ kind }) => kind === "Server");
    expect(new Set(parents.map(({ name }) => name))).toEqual(new Set(["proxy-admin"]));
  });
});

describe("the route of reviews", () => {
  it("has the configured weights, one backend a version", () => {
    const spec = named(routes(MESH_TYPES.edge, { v1: 70, v2: 30, v3: 0 }), "HTTPRoute", "reviews");
    expect(spec?.["rules"]).toMatchObject([
      {
        backendRefs: [
          { name: "reviews-v1", port: 9080, weight: 70 },
          { name: "reviews-v2", port: 9080, weight: 30 },
          { name: "reviews-v3", port: 9080, weight: 0 },
        ],
      },
    ]);
  });

  it("tries again by annotation only where the channel knows the annotation", () => {
    const annotations = (channel: "edge" | "stable") =>
      routes(MESH_TYPES[channel], THIRDS).map((route) => route.annotations?.["retry.linkerd.io/http"]);
    expect(annotations("edge")).toEqual(["5xx", "5xx", "5xx"]);
    expect(annotations("stable")).toEqual([undefined, undefined, undefined]);
  });
});

describe("the workloads program", () => {
  it("denies by default, and makes the rules once the mesh's types and webhooks are there", async () => {
    const run = await runK8s(SETTINGS);
    const { metadata } = run.get("core/v1:Namespace", "bookinfo").inputs as { metadata: { annotations: object } };
    expect(metadata.annotations).toMatchObject({ "config.linkerd.io/default-inbound-policy": "deny" });
    const route = run.get("gateway.networking.k8s.io/v1:HTTPRoute", "reviews");
    expect(route.inputs["spec"]).toMatchObject({
      rules: [{ backendRefs: [{ weight: 90 }, { weight: 10 }, { weight: 0 }] }],
    });
    // An update of this one resource is a whole one: nothing else knows the weights.
    const knowing = run.resources.filter(({ inputs }) => JSON.stringify(inputs).includes('"weight'));
    expect(knowing.map(({ name }) => name)).toEqual(["reviews"]);
    const component = run.resources.find(({ type }) => type === "daybreak:k8s:Bookinfo");
    expect(JSON.stringify(component?.inputs)).not.toContain("90");
    expect(route.dependsOn).toEqual(expect.arrayContaining(["injector-wait"]));
    for (const version of ["v1", "v2", "v3"])
      expect(run.get("core/v1:Service", `reviews-${version}`).inputs["spec"]).toMatchObject({
        selector: { app: "reviews", version },
      });
  });

  it("knows the other channel's object by its type where only the version differs: a living mesh changes channel", async () => {
    const known = async (config: object) =>
      (await runK8s({ ...config })).resources
        .filter(({ type }) => type.endsWith(":Server"))
        .map(({ type, formerTypes }) => [type, ...formerTypes]);
    const [edge, stable] = ["v1beta3", "v1beta1"].map((version) => `kubernetes:policy.linkerd.io/${version}:Server`);
    const servers = Array<null>(5).fill(null);
    expect(await known({})).toEqual(servers.map(() => [edge, stable]));
    const settings = { linkerdChannel: "stable", allowUnsupportedVersions: true };
    expect(await known(settings)).toEqual(servers.map(() => [stable, edge]));
  });
});

describe("the stand-ins' types", () => {
  const folder = join(__dirname, "../../../../lab/charts/linkerd-crds/schemas");
  const kinds = readdirSync(folder).map((file) => file.replace(/\.yaml$/, ""));

  interface Schema {
    properties?: Record<string, Schema>;
    items?: Schema;
    additionalProperties?: unknown;
  }

  const fields = ({ properties, items, additionalProperties }: Schema, path = ""): string[] => {
    if (items) return fields(items, `${path}[]`);
    if (additionalProperties) return [`${path}.*`];
    if (!properties) return [path];
    return Object.entries(properties).flatMap(([key, inner]) => fields(inner, path ? `${path}.${key}` : key));
  };

  it.each(kinds)("%s has only fields of the real one", (kind) => {
    const real = Object.entries(realTypes("edge")).filter(([name]) => name.endsWith(` ${kind}`));
    const newest = real.at(-1)?.[1] ?? [];
    const schema = parse(readFileSync(join(folder, `${kind}.yaml`), "utf8")) as Schema;
    expect(fields(schema).filter((path) => !newest.includes(path))).toEqual([]);
  });
});

describe("the test itself", () => {
  it("finds a field and a kind that the real types do not have", () => {
    const types = realTypes("edge");
    const spec = { podSelector: { matchLabels: { app: "x" } }, prot: 1 };
    expect(refused({ apiVersion: "policy.linkerd.io/v1beta3", kind: "Server", spec }, types)).toEqual(["prot"]);
    expect(refused({ apiVersion: "policy.linkerd.io/v1", kind: "Server", spec }, types)).toHaveLength(1);
  });
});
