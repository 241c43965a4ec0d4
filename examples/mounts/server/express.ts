// Mounted in Express, behind the middleware that many apps have.
import type { Server } from "node:http";
import { healthHandler } from "@calla/server";
import compression from "compression";
import express from "express";
import { createCalla, mounted } from "./calla.ts";
import type { Mounted } from "./calla.ts";

export async function start(port: number): Promise<Mounted> {
  const calla = createCalla();
  const health = healthHandler(calla.server);
  const app = express();

  app.use(compression()); // leaves streams alone: they say no-transform
  app.use(express.json()); // leaves application/calla.json alone
  app.use((request, response, next) => void (health(request, response) || next()));
  app.use(calla.requests.node); // other paths go on to what follows
  app.use(calla.socket.handle);
  app.get("/metrics", (_, response, next) => {
    calla.metrics.metrics().then((text) => response.type("text/plain").send(text), next);
  });
  app.post("/echo", (request, response) => void response.json(request.body));
  app.get("/", (_, response) => void response.send("The app's own page."));

  const httpServer = await new Promise<Server>((resolve) => {
    const listening = app.listen(port, () => resolve(listening));
  });
  return mounted(calla, httpServer);
}
