// Mounted in Fastify: the request is taken out of its hands before it looks for a parser for the body.
import { healthHandler } from "@calla/server";
import { fastify } from "fastify";
import { createCalla, mounted } from "./calla.ts";
import type { Mounted } from "./calla.ts";

export async function start(port: number): Promise<Mounted> {
  const calla = createCalla();
  const health = healthHandler(calla.server);
  const app = fastify();

  app.addHook("onRequest", async (request, reply) => {
    if (health(request.raw, reply.raw) || calla.socket.handle(request.raw, reply.raw)) reply.hijack();
  });
  app.route({
    method: ["POST", "OPTIONS"],
    url: "/calla",
    onRequest: async (request, reply) => {
      reply.hijack();
      calla.requests.node(request.raw, reply.raw);
    },
    handler: () => undefined,
  });
  app.get("/metrics", () => calla.metrics.metrics());
  app.post("/echo", (request) => request.body);
  app.get("/", () => "The app's own page.");

  await app.listen({ port, host: "127.0.0.1" });
  return mounted(calla, app.server);
}
