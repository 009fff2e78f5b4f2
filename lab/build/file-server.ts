import { createReadStream, statSync, type Stats } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join, normalize } from "node:path";

/** The folders of the cache's mirror that are public. */
const SERVED = ["apt", "charts"];

/**
 * The file that a request's path names, or undefined if there is none to serve.
 *
 * @param root the folder that holds `apt/` and `charts/`.
 */
export function servedFile(root: string, url: string): { path: string; stats: Stats } | undefined {
  let path: string;
  try {
    path = normalize(decodeURIComponent(new URL(url, "http://mirror").pathname));
  } catch {
    return undefined;
  }
  const [, folder = ""] = path.split("/");
  if (!SERVED.includes(folder) || path.split("/").some((part) => part.startsWith("."))) return undefined;
  const file = join(root, path);
  const stats = statSync(file, { throwIfNoEntry: false });
  return stats?.isFile() ? { path: file, stats } : undefined;
}

function answer(root: string, request: IncomingMessage, response: ServerResponse): void {
  const found = servedFile(root, request.url ?? "/");
  if (!found) {
    response.writeHead(404).end("not found\n");
    return;
  }
  const { path, stats } = found;
  response.writeHead(200, { "content-length": stats.size, "last-modified": stats.mtime.toUTCString() });
  if (request.method === "HEAD") response.end();
  else
    createReadStream(path)
      .on("error", () => response.destroy())
      .pipe(response);
}

/** Serves packages and charts over HTTP until the process is ended. */
export function serveFiles(root: string, address: string, port: number): void {
  createServer((request, response) => answer(root, request, response)).listen(port, address);
}

if (require.main === module) {
  const [root = "", address = "", port = ""] = process.argv.slice(2);
  serveFiles(root, address, Number(port));
}
