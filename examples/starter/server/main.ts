// The server: what happens on the boards, and the page's files (by Vite in development, otherwise those that `npm run build` makes).
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { createServer, healthHandler } from "@calla/server";
import { http } from "@calla/server/http";
import { sqlite } from "@calla/server/sqlite";
import { webSocket } from "@calla/server/websocket";
import sirv from "sirv";
import { board, serialiser, wiring } from "../shared/board.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const log = sqlite(process.env.DATABASE ?? `${root}boards.db`);
const server = createServer({ wiring, serialiser, log });
// Everybody may read and change every board. Say who may: canSubscribe, canDispatch.
server.handle(board, { public: true });

const httpServer = createHttpServer();
const sockets = webSocket(server, { httpServer, path: "/ws" });
const requests = http(server, { path: "/calla" }); // where no WebSocket gets through
const health = healthHandler(server); // GET /healthz, /readyz

async function developed() {
  const { createServer } = await import("vite");
  const configFile = `${root}vite.config.ts`;
  return createServer({ configFile, server: { middlewareMode: true, hmr: { server: httpServer } } });
}
const built = ["production", "test"].includes(process.env.NODE_ENV ?? "");
const vite = built ? undefined : await developed();
const page = vite?.middlewares ?? sirv(`${root}dist`);

httpServer.on("request", (request, response) => {
  const missing = (): void => void response.writeHead(404).end();
  if (!health(request, response)) requests.node(request, response, () => page(request, response, missing));
});
httpServer.listen(Number(process.env.PORT ?? 8787), () => {
  console.log(`The boards are at http://localhost:${(httpServer.address() as AddressInfo).port}`);
});

async function end(): Promise<void> {
  httpServer.close();
  await vite?.close();
  await server.stop();
  await Promise.all([sockets.close(), requests.close()]);
  httpServer.closeAllConnections();
}
process.once("SIGTERM", () => void end());
process.once("SIGINT", () => void end());
