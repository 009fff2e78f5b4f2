import { hostBlock } from "../../../../k8s/network-policy/peers";
import { type Run, runK8s } from "../../k8s-program";
import { allows, call, type End, pod, policiesOf, POLICY, type PolicyObject } from "../../policy-evaluator";

let run: Run;
let policies: PolicyObject[];

beforeAll(async () => {
  run = await runK8s();
  policies = policiesOf(run);
}, 30_000);

const bookinfo = (app: string): End => ({ address: "10.244.1.9", namespace: "bookinfo", labels: { app } });
const prometheus = pod("monitoring", { "app.kubernetes.io/name": "prometheus" });
const grafana = pod("monitoring", { "app.kubernetes.io/name": "grafana" });
const destination = pod("linkerd", { "linkerd.io/control-plane-component": "destination" });
const dns = pod("kube-system", { "k8s-app": "kube-dns" });
const tap = pod("linkerd-viz", { component: "tap" });
const generator = pod("traffic", { app: "traffic" });
const stranger = pod("default");
/** A pod that nobody knows by name yet. */
const newborn: End = { address: "10.244.1.77" };
const user: End = { address: "203.0.113.200" };
const metadataService: End = { address: "169.254.169.254" };
const apiServer: End = { address: "10.0.1.10" };
/** What the API server's calls to pods of other nodes come from: flannel's device on the control plane. */
const controlPlaneVxlan: End = { address: "10.244.0.0" };
const otherNodesVxlan: End = { address: "10.244.2.0" };

describe("what works goes on working", () => {
  it.each([
    ["a user reaches the page", call(user, bookinfo("productpage"), 9080)],
    ["a user reaches the page through another node", call(otherNodesVxlan, bookinfo("productpage"), 9080)],
    ["the generator reaches the page", call(generator, bookinfo("productpage"), 9080)],
    ["the generator reaches the page's proxy", call(generator, bookinfo("productpage"), 4143)],
    ["productpage calls details", call(bookinfo("productpage"), bookinfo("details"), 9080)],
    ["productpage calls reviews", call(bookinfo("productpage"), bookinfo("reviews"), 4143)],
    ["reviews calls ratings", call(bookinfo("reviews"), bookinfo("ratings"), 9080)],
    ["the application asks for names", call(bookinfo("ratings"), dns, 53, "UDP")],
    ["a long answer about names", call(bookinfo("ratings"), dns, 53)],
    ["a proxy fetches its certificate", call(bookinfo("ratings"), pod("linkerd"), 8080)],
    ["a proxy asks where to send", call(generator, destination, 8086)],
    ["a proxy asks who may call", call(generator, destination, 8090)],
    ["a proxy that started a moment ago", call(newborn, pod("linkerd"), 8080)],
    ["the API server calls the injector", call(apiServer, pod("linkerd"), 8443)],
    ["the API server calls the injector on another node", call(controlPlaneVxlan, pod("linkerd"), 8443)],
    ["the API server calls tap", call(controlPlaneVxlan, tap, 8089)],
    ["the API server calls the operator's webhook", call(controlPlaneVxlan, pod("monitoring"), 10250)],
    ["Prometheus reads a proxy", call(prometheus, bookinfo("reviews"), 4191)],
    ["Prometheus reads the mesh", call(prometheus, destination, 9996)],
    ["Prometheus reads the nodes", call(prometheus, apiServer, 10250)],
    ["tap listens to a proxy", call(tap, bookinfo("reviews"), 4190)],
    ["viz asks Prometheus", call(pod("linkerd-viz", { component: "metrics-api" }), prometheus, 9090)],
    ["Grafana asks Prometheus", call(grafana, prometheus, 9090)],
    ["Grafana answers a user", call(user, grafana, 3000)],
    ["Grafana answers a user through another node", call(otherNodesVxlan, grafana, 3000)],
    ["Alertmanager tells somebody outside", call(pod("monitoring"), user, 443)],
    ["anybody asks CoreDNS", call(stranger, dns, 53, "UDP")],
  ])("%s", (_, wanted) => {
    expect(allows(policies, wanted)).toBe(true);
  });
});

describe("what nobody needs is shut", () => {
  it.each([
    ["another namespace and the page", call(stranger, bookinfo("productpage"), 9080)],
    ["another namespace and ratings", call(stranger, bookinfo("ratings"), 9080)],
    ["a user and reviews", call(user, bookinfo("reviews"), 9080)],
    ["a user and a proxy's metrics", call(user, bookinfo("productpage"), 4191)],
    ["productpage and ratings", call(bookinfo("productpage"), bookinfo("ratings"), 9080)],
    ["details and ratings", call(bookinfo("details"), bookinfo("ratings"), 9080)],
    ["ratings and reviews", call(bookinfo("ratings"), bookinfo("reviews"), 9080)],
    ["the application and the internet", call(bookinfo("productpage"), user, 443)],
    ["the application and the cloud's metadata", call(bookinfo("productpage"), metadataService, 80)],
    ["the application and the API server", call(bookinfo("productpage"), apiServer, 6443)],
    ["the application and a kubelet", call(bookinfo("productpage"), apiServer, 10250)],
    ["the application and Prometheus", call(bookinfo("productpage"), prometheus, 9090)],
    ["the generator and ratings", call(generator, bookinfo("ratings"), 9080)],
    ["the generator and the internet", call(generator, user, 443)],
    ["another namespace and Prometheus", call(stranger, prometheus, 9090)],
    ["another namespace and Grafana", call(stranger, grafana, 3000)],
    ["another namespace and Alertmanager", call(stranger, pod("monitoring"), 9093)],
    ["another namespace and a webhook", call(stranger, pod("linkerd"), 8443)],
    ["a user and Prometheus", call(user, prometheus, 9090)],
    ["another namespace and tap", call(stranger, tap, 8089)],
  ])("%s", (_, wanted) => {
    expect(allows(policies, wanted)).toBe(false);
  });
});

describe("network policies", () => {
  it("begin with denial in every namespace of a workload", () => {
    const namespaces = policies.filter(({ metadata }) => metadata.name === "default-deny").map((one) => one.metadata);
    expect(namespaces.map(({ namespace }) => namespace).sort()).toEqual([
      "bookinfo",
      "linkerd",
      "linkerd-viz",
      "monitoring",
      "traffic",
    ]);
  });

  it("come with what enforces them, which may write the nodes' packet filter and read what it decides by", () => {
    const { spec } = run.get("apps/v1:DaemonSet", "kube-network-policies").inputs as {
      spec: { template: { spec: Record<string, unknown> } };
    };
    expect(spec.template.spec).toMatchObject({ hostNetwork: true, tolerations: [{ operator: "Exists" }] });
  });

  it("know the nodes' own addresses among the pods'", () => {
    expect(hostBlock("10.244.12.0/24")).toBe("10.244.12.0/31");
    const hosts = policies.find(({ metadata }) => metadata.namespace === "linkerd" && metadata.name === "hosts");
    expect(hosts?.spec.ingress?.[0]?.from?.map(({ ipBlock }) => ipBlock?.cidr)).toEqual([
      "10.0.1.10/32",
      "10.244.0.0/31",
      "10.0.2.10/32",
      "10.244.2.0/31",
      "10.0.2.11/32",
      "10.244.1.0/31",
    ]);
  });

  it("are there before the pods, and wait for nothing but the namespaces", () => {
    const waits = run.resources.filter(({ type }) => type === `kubernetes:${POLICY}`).flatMap((one) => one.dependsOn);
    expect(new Set(waits.filter((name) => !name.startsWith("node-")))).toEqual(
      new Set(["bookinfo", "linkerd", "linkerd-viz", "monitoring", "traffic"]),
    );
  });

  it("can be left out, with what enforces them", async () => {
    const without = await runK8s({ networkPolicies: false });
    const types = without.resources.map(({ type }) => type);
    expect(types).not.toContain(`kubernetes:${POLICY}`);
    expect(types).not.toContain("daybreak:k8s:PolicyAgent");
  });
});
