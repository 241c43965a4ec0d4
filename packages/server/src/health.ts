/// <reference types="node" preserve="true" />
// Answers health checks: whether this server lives, and whether clients should be sent to it.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Supervisor, SupervisorInspection } from "./supervision/tree/supervisor-api.ts";

/** The paths that `healthHandler` answers, and what it tells besides. */
export interface HealthOptions {
  /** 200 as long as the process answers, and its supervisor has not given up. Default "/healthz". */
  readonly live?: string;
  /** 200 while the server takes connections, 503 from the moment it drains. Default "/readyz". */
  readonly ready?: string;
  /** What supervises it: both paths tell its state, and `ready` is 503 while not all of its children run. Default: nothing. */
  readonly supervisor?: Pick<Supervisor, "ready" | "inspect">;
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
  { live = "/healthz", ready = "/readyz", supervisor }: HealthOptions = {},
): (request: IncomingMessage, response: ServerResponse) => boolean {
  return ({ url = "", method }, response) => {
    const path = url.split("?", 1)[0];
    if ((path !== live && path !== ready) || (method !== "GET" && method !== "HEAD")) return false;
    const inspection = supervisor?.inspect();
    // What has given up does not come back by itself: whoever runs the process is to start it anew.
    const good = path === live ? inspection?.state !== "failed" : server.ready && supervisor?.ready !== false;
    const lines = [
      good ? "ok" : path === live ? "failed" : "not ready",
      ...(inspection === undefined ? [] : linesOf(inspection)),
    ];
    response.writeHead(good ? 200 : 503, { "content-type": "text/plain", "cache-control": "no-store" });
    response.end(method === "HEAD" ? undefined : `${lines.join("\n")}\n`);
    return true;
  };
}

/** `calla: running, 1 of 2 restarts in 5000 ms`, and its children below it. */
function linesOf({ name, state, restarts, intensity, window, children }: SupervisorInspection): string[] {
  const own = `${name}: ${state}, ${restarts} of ${intensity} restarts in ${window} ms`;
  const below = children.flatMap((child) =>
    child.inside === undefined
      ? [`${child.name}: ${child.state}${child.restarts > 0 ? `, restarted ${child.restarts}` : ""}`]
      : linesOf(child.inside),
  );
  return [own, ...below.map((line) => `  ${line}`)];
}
