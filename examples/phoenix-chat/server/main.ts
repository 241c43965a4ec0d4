// The server of the chat: static files for the page, channels for what is said, a file for what was.
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { healthHandler } from "@calla/server";
import { phoenix } from "@calla/server/channels";
import { sqlite } from "@calla/server/sqlite";
import { createChat } from "./chat.ts";
import { staticFiles } from "./static-files.ts";

const log = sqlite(process.env.CHAT ?? fileURLToPath(new URL("../../chat.db", import.meta.url)));
await log.opened().catch(({ message }: Error) => {
  console.error(`What was said cannot be opened: ${message}`);
  process.exit(1);
});
const { server, channels } = createChat(log);

const health = healthHandler(server);
const files = staticFiles(fileURLToPath(new URL("../client/", import.meta.url)));
const httpServer = createHttpServer((request, response) => {
  if (!health(request, response) && !socket.handle(request, response)) files(request, response);
});
const socket = phoenix(channels, { httpServer, path: "/socket", authToken: true });

httpServer.on("error", ({ message }) => {
  console.error(`The chat cannot be served: ${message}. Another port: PORT=8789 npm run chat`);
  process.exit(1);
});
httpServer.listen(Number(process.env.PORT ?? 8788), () => {
  const { port } = httpServer.address() as AddressInfo;
  console.log(`The chat is at http://localhost:${port}`);
});

/** A deploy sends people elsewhere bit by bit; whoever presses Ctrl+C wants it to end. */
async function end(gone: Promise<void>): Promise<void> {
  httpServer.close();
  await gone;
  await socket.close();
  httpServer.closeAllConnections();
}
process.once("SIGTERM", () => void end(server.drain({ over: 5_000, reconnectWithin: 5_000 })));
process.once("SIGINT", () => void end(server.stop()));
