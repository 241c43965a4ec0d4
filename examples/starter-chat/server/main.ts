// Serves the chat, and the page's files (by Vite in development, otherwise those that `npm run build` makes).
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { healthHandler } from "@calla/server";
import { phoenix } from "@calla/server/channels";
import { sqlite } from "@calla/server/sqlite";
import sirv from "sirv";
import { createChat } from "./chat.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const { server, channels } = createChat(sqlite(process.env.DATABASE ?? `${root}chat.db`));

const httpServer = createHttpServer();
const socket = phoenix(channels, { httpServer, path: "/socket" }); // WebSocket, and LongPoll where none gets through
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
  if (!health(request, response) && !socket.handle(request, response)) page(request, response, missing);
});
httpServer.listen(Number(process.env.PORT ?? 8787), () => {
  console.log(`The chat is at http://localhost:${(httpServer.address() as AddressInfo).port}`);
});

async function end(): Promise<void> {
  httpServer.close();
  await vite?.close();
  await server.stop();
  await socket.close();
  httpServer.closeAllConnections();
}
process.once("SIGTERM", () => void end());
process.once("SIGINT", () => void end());
