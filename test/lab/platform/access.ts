import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { inShell, output, shell } from "../lab-cli";
import { tell } from "../tell";
import { upWith } from "./config";
import { Stranger } from "./stranger";
import { Viewer } from "./viewer";

const MINUTE = 60_000;

/** Prints the figures of the network policies' agent on every node. */
const AGENTS_METRICS = `nodes=$(kubectl get nodes --output=name)
for node in $nodes; do kubectl get --raw "/api/v1/nodes/\${node#node/}:9981/proxy/metrics"; done`;

/** Who may do what on a platform that runs, and whose packets arrive. */
export function accessToThePlatform(lab: string): void {
  it(
    "lets the viewer look at everything but Secrets, and touch nothing",
    async () => {
      const viewer = await Viewer.of(lab);
      for (const seen of ["pods", "nodes", "networkpolicies", "deployments", "configmaps"])
        expect(await viewer.kubectl("get", seen, "--all-namespaces")).toMatchObject({ exitCode: 0 });
      expect(await viewer.kubectl("logs", "--namespace=bookinfo", "deployment/productpage-v1")).toMatchObject({
        exitCode: 0,
      });
      for (const refused of [
        ["get", "secrets", "--all-namespaces"],
        ["get", "secret", "grafana-admin", "--namespace=monitoring"],
        ["delete", "deployment", "productpage-v1", "--namespace=bookinfo"],
        ["scale", "deployment", "productpage-v1", "--namespace=bookinfo", "--replicas=0"],
        ["exec", "--namespace=bookinfo", "deployment/productpage-v1", "--", "true"],
        ["create", "namespace", "viewers"],
      ])
        expect((await viewer.kubectl(...refused)).stderr).toContain("Forbidden");
    },
    5 * MINUTE,
  );

  it(
    "drops a stranger's packets, and the same ones from a neighbour arrive",
    async () => {
      const prometheus = "prometheus-kube-prometheus-prometheus.monitoring.svc.cluster.local.:9090";
      const stranger = await Stranger.in(lab, "default");
      const neighbour = await Stranger.in(lab, "monitoring");
      expect(await neighbour.connect(prometheus)).toBe("");
      for (const target of [prometheus, "reviews.bookinfo.svc.cluster.local.:9080"])
        expect(await stranger.connect(target)).toBe("TIMEOUT");
      expect(await stranger.connect("linkerd-identity-headless.linkerd.svc.cluster.local.:8080")).toBe("");
      expect(await stranger.connect("kubernetes.default.svc.cluster.local.:443")).toBe("");
      await Promise.all([stranger.leave(), neighbour.leave()]);
    },
    5 * MINUTE,
  );

  it(
    "asks the agents about connections, not about every packet of them",
    async () => {
      const url = await output(lab, "lab-k8s", "bookinfoUrl");
      const asked = async (): Promise<number> => {
        const metrics = await shell(lab, ["bash", "-e", "-c", AGENTS_METRICS]);
        const counts = [...metrics.matchAll(/^kube_network_policies_packet_count\{.*\} (\S+)$/gm)];
        expect(counts.length).toBeGreaterThanOrEqual(3);
        return counts.reduce((sum, [, count]) => sum + Number(count), 0);
      };
      const before = await asked();
      const requests = 300;
      await shell(lab, ["curl", "-s", "-S", "-o", "/dev/null", `${url}?n=[1-${requests}]`]);
      const more = (await asked()) - before;
      tell(`agents were asked ${more} times while ${requests} pages were fetched`);
      // Each page takes a dozen packets from node to node; the probes and scrapes of these seconds are new connections.
      expect(more).toBeLessThan(requests);
    },
    5 * MINUTE,
  );

  it(
    "warns of a pod that is less shut in than the application's",
    async () => {
      const pod = ["run", "loose", "--image=docker.io/library/none", "--dry-run=server"];
      const { stderr } = await inShell(lab, ["kubectl", "--namespace=bookinfo", ...pod]);
      expect(stderr).toContain('would violate PodSecurity "restricted');
    },
    3 * MINUTE,
  );

  it(
    "serves Grafana over HTTPS where the config says so, and sends HTTP on to it",
    async () => {
      const curl = (url: string, ...more: string[]) =>
        shell(lab, [
          "curl",
          "-s",
          "--retry",
          "10",
          "--retry-delay",
          "1",
          "--retry-connrefused",
          "-o",
          "/dev/null",
          "-w",
          "%{http_code} %{redirect_url}",
          ...more,
          url,
        ]);
      const folder = await mkdtemp(join(tmpdir(), "daybreak-https-"));
      try {
        await upWith(lab, { "grafana.https": "cluster" });
        const authority = join(folder, "authority.pem");
        await writeFile(authority, await output(lab, "lab-k8s", "grafanaAuthority"));
        const secure = await output(lab, "lab-k8s", "grafanaUrl");
        expect(secure).toMatch(/^https:/);
        expect(await curl(secure, "--cacert", authority)).toMatch(/^302 https:.*\/login$/);
        expect(await curl(secure.replace("https:", "http:"))).toBe(`308 ${secure}/`);
        await expect(curl(secure)).rejects.toThrow();
      } finally {
        await rm(folder, { recursive: true });
        await upWith(lab, {});
      }
      expect(await curl(await output(lab, "lab-k8s", "grafanaUrl"))).toMatch(/^302 http:.*\/login$/);
    },
    10 * MINUTE,
  );
}
