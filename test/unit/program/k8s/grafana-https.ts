import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";

import { certificateFault } from "../../../../config/grafana";
import { type Run, runK8s } from "../../k8s-program";

type Tree = Record<string, unknown>;

/** A certificate for grafana.example.com, valid for one day, and its key. */
let own: { certificate: string; privateKey: string };
let other: string;
let cluster: Run;

function newPair(): { certificate: string; privateKey: string } {
  const folder = mkdtempSync(join(tmpdir(), "daybreak-https-"));
  const file = (name: string) => join(folder, name);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", file("key")];
  const names = ["-subj", "/CN=grafana", "-addext", "subjectAltName=DNS:grafana.example.com,IP:203.0.113.7"];
  execFileSync("openssl", ["req", "-x509", ...key, "-out", file("crt"), "-days", "1", ...names], { stdio: "ignore" });
  const pair = { certificate: readFileSync(file("crt"), "utf8"), privateKey: readFileSync(file("key"), "utf8") };
  rmSync(folder, { recursive: true });
  return pair;
}

beforeAll(async () => {
  own = newPair();
  other = newPair().privateKey;
  cluster = await runK8s({ grafana: { https: "cluster" } });
}, 60_000);

const grafanaOf = (run: Run) =>
  (run.get("helm.sh/v3:Release", "prometheus").inputs["values"] as { grafana: Tree }).grafana;

describe("Grafana over HTTPS", () => {
  it("is off unless asked for", async () => {
    const plain = await runK8s();
    expect(grafanaOf(plain)).not.toHaveProperty("extraContainers");
    expect(plain.outputs).not.toHaveProperty("grafanaAuthority");
    expect(plain.resources.filter(({ name }) => name.startsWith("pages"))).toEqual([]);
  });

  it("keeps the node port, and puts what ends TLS behind it", () => {
    const grafana = grafanaOf(cluster);
    expect(grafana["service"]).toEqual({ type: "NodePort", nodePort: 30300, targetPort: 8443 });
    const [gateway] = parse(grafana["extraContainers"] as string) as Tree[];
    expect(gateway).toMatchObject({ name: "gateway", ports: [{ containerPort: 8443 }] });
    const config = cluster.get("core/v1:ConfigMap", "grafana-gateway").inputs["data"] as Record<string, string>;
    const { apps } = JSON.parse(config["caddy.json"] ?? "") as { apps: { http: { servers: { grafana: Tree } } } };
    // The other way round, TLS would refuse plain HTTP before anybody could send it on.
    expect(apps.http.servers.grafana["listener_wrappers"]).toEqual([{ wrapper: "http_redirect" }, { wrapper: "tls" }]);
    // Asked by an address, Caddy would look for a certificate of the pod's own and find none.
    expect(apps.http.servers.grafana["tls_connection_policies"]).toEqual([
      { certificate_selection: { any_tag: ["page"] } },
    ]);
    expect(config["ca.crt"]).toBe("ANCHOR");
  });

  it("is certified for every node's public address, for a year, by an authority that signs nothing else", () => {
    expect(cluster.get("certRequest:CertRequest", "pages-server").inputs["ipAddresses"]).toEqual([
      "203.0.113.7",
      "203.0.113.11",
      "203.0.113.12",
      "127.0.0.1",
    ]);
    const { inputs } = cluster.get("locallySignedCert:LocallySignedCert", "pages-server");
    expect(inputs).toMatchObject({ validityPeriodHours: 8760, allowedUses: ["digital_signature", "server_auth"] });
    expect(cluster.outputs).toMatchObject({ grafanaUrl: "https://203.0.113.7:30300", grafanaAuthority: "ANCHOR" });
  });

  it("takes the user's certificate, keeps its key secret, and goes by its name", async () => {
    const run = await runK8s({ grafana: { https: "own", ...own } }, undefined, ["grafana"]);
    const secret = run.get("core/v1:Secret", "grafana-certificate");
    expect(secret.inputs["stringData"]).toEqual({ "tls.crt": own.certificate, "tls.key": own.privateKey });
    expect(secret.secrets).toEqual(expect.arrayContaining([expect.stringMatching(/^stringData/)]));
    expect(run.outputs["grafanaUrl"]).toBe("https://grafana.example.com:30300");
    // What to trust there, for npm run check: nobody's authority need have signed it.
    const trusted = run.get("core/v1:ConfigMap", "grafana-gateway").inputs["data"];
    expect(trusted).toMatchObject({ "ca.crt": own.certificate, name: "grafana.example.com" });
    const elsewhere = run.resources.filter(({ name }) => name !== "grafana-certificate");
    expect(JSON.stringify(elsewhere)).not.toContain("PRIVATE KEY-----");
  });

  it("refuses a key that is not encrypted", async () => {
    await expect(runK8s({ grafana: { https: "own", ...own } })).rejects.toThrow(/private key is not encrypted/);
  });

  it("refuses what no browser could be served with", () => {
    expect(certificateFault(own)).toBeUndefined();
    expect(certificateFault({ certificate: own.certificate })).toMatch(/needs both/);
    expect(certificateFault({ ...own, privateKey: other })).toMatch(/not that of the certificate/);
    expect(certificateFault(own, new Date("2040-01-01"))).toMatch(/ended on/);
    expect(certificateFault({ certificate: "x", privateKey: "y" })).toMatch(/cannot be read/);
  });
});
