// Calla over SQLite, at default limits, with somebody in it who takes all he can get (greedy.bench.ts). Whoever brings a
// token is that user, anybody else nobody.
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer } from "@calla/server";
import { http } from "@calla/server/http";
import { sqlite } from "@calla/server/sqlite";
import { webSocket } from "@calla/server/websocket";
import { control } from "./control.ts";
import { room, serialiser, wiring } from "./fixtures.ts";

const server = createServer({
  wiring,
  serialiser,
  log: sqlite(process.argv[2] ?? ":memory:"),
  authenticate: ({ token }) => (typeof token === "string" ? { id: token } : null),
});
server.handle(room, { public: true });
const httpServer = createHttpServer(http(server).node);
webSocket(server, { httpServer, path: "/ws" });
httpServer.listen(0, "127.0.0.1", () =>
  control((httpServer.address() as AddressInfo).port, () => server.inspect().connections.unwritten),
);
