// Calla as a user has it: a user for everybody, authorisation of every topic and message, the update, the memory log.
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer } from "@calla/server";
import { webSocket } from "@calla/server/websocket";
import { control } from "./control.ts";
import { room, serialiser, wiring } from "./fixtures.ts";

let visitors = 0;
const httpServer = createHttpServer();
const server = createServer({
  wiring,
  serialiser,
  authenticate: () => ({ id: `user-${++visitors}` }),
  // The others have no limits of this kind; what is measured is not what they are for.
  limits: {
    messageRate: Infinity,
    topicMessageRate: Infinity,
    joinRate: Infinity,
    maxConnectionsPerAddress: Infinity,
    maxPendingHellos: Infinity,
  },
  onRefused: (refused) => process.stderr.write(`refused: ${JSON.stringify(refused)}\n`),
});
server.handle(room, {
  canSubscribe: ({ user }) => user !== null,
  canDispatch: ({ text }, { user }) => user !== null && text.length > 0,
});
webSocket(server, { httpServer, path: "/ws" });
httpServer.listen(0, "127.0.0.1", () => control((httpServer.address() as AddressInfo).port));
