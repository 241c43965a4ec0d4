// Answers health checks: whether this server lives, and whether clients should be sent to it.
import type { IncomingMessage, ServerResponse } from "node:http";

/** The paths that `healthHandler` answers. */
export interface HealthOptions {
  /** 200 as long as the process answers. Default "/healthz". */
  readonly live?: string;
  /** 200 while the server takes connections, 503 from the moment it drains. Default "/readyz". */
  readonly ready?: string;
}

/**
 * A request listener for Node's http servers: true if the request was its own and was answered.
 *
 * @example
 * const health = healthHandler(server);
 * createServer((request, response) => void (health(request, response) || serveFiles(request, response)));
 */
export function healthHandler(
  server: { readonly ready: boolean },
  { live = "/healthz", ready = "/readyz" }: HealthOptions = {},
): (request: IncomingMessage, response: ServerResponse) => boolean {
  return ({ url = "", method }, response) => {
    const path = url.split("?", 1)[0];
    if ((path !== live && path !== ready) || (method !== "GET" && method !== "HEAD")) return false;
    const good = path === live || server.ready;
    response.writeHead(good ? 200 : 503, { "content-type": "text/plain", "cache-control": "no-store" });
    response.end(method === "HEAD" ? undefined : good ? "ok\n" : "not ready\n");
    return true;
  };
}
