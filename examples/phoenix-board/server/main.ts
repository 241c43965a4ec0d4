// The boards of examples/board for two kinds of clients at once: Calla's own, and Phoenix clients by the bridge. Each has its
// page: `/` is that of examples/board, and `/phoenix/` has nothing but the package phoenix.
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { createBoards } from "@calla/example-board/server/boards";
import { staticFiles } from "@calla/example-board/server/static-files";
import { board } from "@calla/example-board/shared/wiring";
import { healthHandler } from "@calla/server";
import { syncChannel } from "@calla/server/bridge";
import { createChannels, phoenix } from "@calla/server/channels";
import { http } from "@calla/server/http";
import { sqlite } from "@calla/server/sqlite";
import { webSocket } from "@calla/server/websocket";
import { connect, me } from "./me-channel.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const log = sqlite(process.env.BOARDS ?? here("../../boards.db"));
await log.opened().catch(({ message }: Error) => {
  console.error(`The boards cannot be opened: ${message}`);
  process.exit(1);
});

const server = createBoards(log);
// The channels stand beside the server: what may be joined, dispatched and seen there, its handlers decide.
const channels = createChannels({ beside: server, connect })
  .register(me)
  .register(syncChannel(server, board));

const requests = http(server, { path: "/calla" });
const health = healthHandler(server);
const callasPage = staticFiles(here("../../../board/dist/client/"));
const phoenixPage = staticFiles(here("../client/"), "/phoenix/");
const httpServer = createHttpServer((request, response) => {
  if (health(request, response) || socket.handle(request, response)) return;
  const page = request.url?.startsWith("/phoenix/") === true ? phoenixPage : callasPage;
  requests.node(request, response, () => page(request, response));
});
const sockets = webSocket(server, { httpServer, path: "/ws" });
const socket = phoenix(channels, { httpServer, path: "/socket", authToken: true });

httpServer.on("error", ({ message }) => {
  console.error(`The boards cannot be served: ${message}. Another port: PORT=8790 npm run bridge`);
  process.exit(1);
});
httpServer.listen(Number(process.env.PORT ?? 8789), () => {
  const { port } = httpServer.address() as AddressInfo;
  console.log(`Boards are at http://localhost:${port} (by Calla's client)`);
  console.log(`and at http://localhost:${port}/phoenix/ (by the package phoenix alone)`);
});

/** A deploy sends people elsewhere bit by bit; whoever presses Ctrl+C wants it to end. */
async function end(gone: Promise<void>): Promise<void> {
  httpServer.close();
  await gone;
  await Promise.all([sockets.close(), requests.close(), socket.close()]);
  httpServer.closeAllConnections();
}
process.once("SIGTERM", () => void end(server.drain({ over: 5_000, reconnectWithin: 5_000 })));
process.once("SIGINT", () => void end(server.stop()));
