import { once } from "node:events";
import { createServer } from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";

import { selfSignedCertificate } from "../../../check/certificate";
import { checkBookinfo, checkGrafana, entrances, pageAt } from "../../../check/groups/outside";

describe("pages from outside", () => {
  const page = (status: number, body = "", location = "") => ({ status, body, location });

  it("Grafana has to lead to its login", () => {
    expect(checkGrafana(page(302, "", "/login"))).toBe("302 → /login");
    expect(() => checkGrafana(page(200))).toThrow(/answered 200/);
    expect(() => checkGrafana(page(302, "", "/elsewhere"))).toThrow(/elsewhere/);
  });

  it("Bookinfo's page has to be whole", () => {
    const whole = "<html>Book Details … Book Reviews</html>\n";
    expect(checkBookinfo(page(200, whole))).toBe("200");
    expect(() => checkBookinfo(page(200, whole.slice(0, -9)))).toThrow(/not complete/);
    expect(() => checkBookinfo(page(200, "Error fetching product reviews!</html>"))).toThrow(/doesn't reach reviews/);
    expect(() => checkBookinfo(page(503))).toThrow(/503/);
  });

  const nodes = { "control-plane": "203.0.113.7", "worker-1": "203.0.113.11" };

  it("are asked of every node at its address", () => {
    expect(entrances("http://203.0.113.7:30080/productpage", nodes)).toEqual([
      { url: "http://203.0.113.7:30080/productpage", node: "control-plane" },
      { url: "http://203.0.113.11:30080/productpage", node: "worker-1" },
    ]);
  });

  it("keep the name that their certificate is for, at every node", () => {
    const url = "https://grafana.example.com:30300";
    const everywhere = [
      { url: `${url}/`, node: "control-plane", address: "203.0.113.7" },
      { url: `${url}/`, node: "worker-1", address: "203.0.113.11" },
    ];
    expect(entrances(url, nodes)).toEqual([{ url }, ...everywhere]);
    // With a kubeconfig alone it is the cluster that knows the name.
    expect(entrances("https://203.0.113.7:30300", nodes, "grafana.example.com")).toEqual(everywhere);
  });

  it("may have a certificate that nobody else knows, which has to be for their name", async () => {
    const { certificate, key } = selfSignedCertificate("grafana.example.com");
    const server = https.createServer({ cert: certificate, key }, (_, response) =>
      response.writeHead(302, { location: "/login" }).end(),
    );
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    const askedFor = (name: string) => ({ url: `https://${name}:${port}`, address: "127.0.0.1" });
    try {
      const good = askedFor("grafana.example.com");
      expect(await pageAt(good, checkGrafana, certificate)).toMatchObject({ ok: true });
      const untrusted = await pageAt(good, checkGrafana);
      expect(untrusted).toMatchObject({ ok: false, detail: expect.stringContaining("self-signed") as string });
      const other = await pageAt(askedFor("other.example.com"), checkGrafana, certificate);
      expect(other).toMatchObject({ ok: false, detail: expect.stringContaining("altnames") as string });
    } finally {
      server.close();
    }
  });

  it("have a second try where they lack a part, and no third", async () => {
    const lacking = async (times: number) => {
      let asked = 0;
      const server = createServer((_, response) =>
        response.end(
          asked++ < times ? "Error fetching product details!</html>" : "<html>Book Details Book Reviews</html>",
        ),
      ).listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      const { ok } = await pageAt({ url: `http://127.0.0.1:${port}/productpage` }, checkBookinfo, undefined, 10);
      server.close();
      return { ok, asked };
    };
    expect(await Promise.all([lacking(0), lacking(1), lacking(2)])).toEqual([
      { ok: true, asked: 1 },
      { ok: true, asked: 2 },
      { ok: false, asked: 2 },
    ]);
  });
});
