// Mounted in Hono on Node, by web requests and responses. Elsewhere (Deno, Bun, workers) `fetch` is the same; WebSockets
// are the runtime's own there.
import type { Server } from "node:http";
import { getConnInfo } from "@hono/node-server/conninfo";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { compress } from "hono/compress";
import { createCalla, mounted } from "./calla.ts";
import type { Mounted } from "./calla.ts";

export async function start(port: number): Promise<Mounted> {
  const calla = createCalla();
  const app = new Hono();

  app.use(compress()); // leaves streams alone: they say no-transform
  app.get("/healthz", (context) => context.text("ok"));
  app.get("/readyz", (context) => (calla.server.ready ? context.text("ok") : context.text("not ready", 503)));
  app.all("/calla", (context) => calla.requests.fetch(context.req.raw, getConnInfo(context).remote.address));
  app.all("/socket/longpoll", async (context) => {
    const answer = await calla.socket.fetch(context.req.raw, getConnInfo(context).remote.address);
    return answer ?? context.notFound();
  });
  app.get("/metrics", async (context) => context.text(await calla.metrics.metrics()));
  app.post("/echo", async (context) => context.json(await context.req.json()));
  app.get("/", (context) => context.text("The app's own page."));

  const httpServer = await new Promise<Server>((resolve) => {
    const listening = serve({ fetch: app.fetch, port }, () => resolve(listening as Server));
  });
  return mounted(calla, httpServer);
}
