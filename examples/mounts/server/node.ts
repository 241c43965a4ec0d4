// Mounted in Node's own http server.
import { createServer } from "node:http";
import { healthHandler } from "@calla/server";
import { createCalla, mounted } from "./calla.ts";
import type { Mounted } from "./calla.ts";

export async function start(port: number): Promise<Mounted> {
  const calla = createCalla();
  const health = healthHandler(calla.server);

  const httpServer = createServer((request, response) => {
    if (health(request, response) || calla.socket.handle(request, response)) return;
    calla.requests.node(request, response, () => {
      if (request.url === "/metrics") {
        void calla.metrics.metrics().then((text) => response.end(text));
      } else response.end("The app's own page.");
    });
  });

  await new Promise<void>((resolve) => httpServer.listen(port, resolve));
  return mounted(calla, httpServer);
}
