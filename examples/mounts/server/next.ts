// Mounted in a custom server of Next. What it is given is `import next from "next"`; here it is an argument, so that the
// example needs no Next. Next listens for upgrade requests too (its development server reloads pages by one), and ends
// those whose path one of its pages takes, a page for all paths each of them. So it gets a server of its own that never
// listens, and of the upgrade requests what is not Calla's.
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { healthHandler } from "@calla/server";
import { createCalla, mounted } from "./calla.ts";
import type { Mounted } from "./calla.ts";

/** What is used of Next. */
export type Next = (options: { readonly dev: boolean; readonly httpServer: Server }) => {
  prepare(): Promise<void>;
  getRequestHandler(): (request: IncomingMessage, response: ServerResponse) => Promise<void>;
};

export async function start(port: number, next: Next): Promise<Mounted> {
  const calla = createCalla();
  const health = healthHandler(calla.server);
  const upgrades = createServer();
  const app = next({ dev: process.env["NODE_ENV"] !== "production", httpServer: upgrades });
  await app.prepare();
  const handle = app.getRequestHandler();

  const httpServer = createServer((request, response) => {
    if (health(request, response) || calla.socket.handle(request, response)) return;
    calla.requests.node(request, response, () => void handle(request, response));
  });
  httpServer.on("upgrade", (request, socket, head) => {
    if (/^\/(ws|socket\/)/.test(request.url ?? "")) return;
    if (!upgrades.emit("upgrade", request, socket, head)) socket.destroy();
  });

  await new Promise<void>((resolve) => httpServer.listen(port, resolve));
  return mounted(calla, httpServer);
}
