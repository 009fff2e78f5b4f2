import type { KubeConfig } from "@kubernetes/client-node";
import { createServer, type Server } from "node:http";

import { Api, ApiError } from "../../../check/api";

describe("requests to the API server", () => {
  let server: Server;
  let api: Api;

  beforeAll(async () => {
    server = createServer((request, response) => {
      if (request.url === "/slow") return;
      if (request.url === "/denied") response.writeHead(403).end('{"message":"no way","reason":"Forbidden"}');
      else response.end('{"a":1}');
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    // Of the real class only these two are asked, and this suite need not load it.
    const kubeConfig = {
      getCurrentCluster: () => ({ name: "c", server: `http://127.0.0.1:${port}`, skipTLSVerify: false }),
      applyToHTTPSOptions: () => Promise.resolve(),
    } as unknown as KubeConfig;
    api = await Api.connect(kubeConfig, new AbortController().signal);
  });

  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it("give the object, the server's own message, or the limit that was passed", async () => {
    await expect(api.get("/x")).resolves.toEqual({ a: 1 });
    await expect(api.get("/denied")).rejects.toEqual(new ApiError(403, "no way", "Forbidden"));
    await expect(api.get("/slow", { timeout: 0.05 })).rejects.toThrow("no answer within 0.05 s");
  });
});
