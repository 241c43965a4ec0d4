// Calla as a user has it: a user for everybody, authorisation of every topic and message, the update, the memory log; with
// `postgres` a node of several over the database that the load names.
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer } from "@calla/server";
import { http } from "@calla/server/http";
import { pgDriver, postgresLog, postgresPubSub } from "@calla/server/postgres";
import { webSocket } from "@calla/server/websocket";
import { control, DATABASE, SCHEMA } from "./control.ts";
import type { Places } from "./control.ts";
import { firstItems, ITEMS, list, records, room, serialiser, wiring } from "./fixtures.ts";
import type { Item } from "./fixtures.ts";

/** Who brings no number is nobody's acquaintance. */
let visitors = 0;
const postgres = process.argv.includes("postgres") ? pgDriver({ url: process.env[DATABASE] }) : undefined;
const pubsub = postgres && postgresPubSub(postgres, { channel: SCHEMA });
await pubsub?.ready();
const server = createServer({
  wiring,
  serialiser,
  ...(postgres && pubsub && { pubsub, log: postgresLog({ driver: postgres, schema: SCHEMA }) }),
  authenticate: ({ token }) => ({ id: `user-${typeof token === "number" ? token : `new-${++visitors}`}` }),
  // The others have no limits of this kind; what is measured is not what they are for.
  limits: {
    messageRate: Infinity,
    topicMessageRate: Infinity,
    joinRate: Infinity,
    byteRate: Infinity,
    maxConnectionsPerAddress: Infinity,
    identityRate: Infinity,
    maxPendingHellos: Infinity,
  },
  onRefused: (refused) => process.stderr.write(`refused: ${JSON.stringify(refused)}\n`),
});
server.handle(room, {
  canSubscribe: ({ user }) => user !== null,
  canDispatch: ({ text }, { user }) => user !== null && text.length > 0,
});
server.handle(list, {
  canSubscribe: ({ user }) => user !== null,
  canDispatch: ({ item }, { user }) => user !== null && item < ITEMS,
});
server.handle(records, {
  canSubscribe: ({ user }) => user !== null,
  canDispatch: ({ item }, { user }) => user !== null && item.length > 0,
});
const httpServer = createHttpServer(http(server).node);
webSocket(server, { httpServer, path: "/ws" });
/** What the real clients' work is to come to: whichever of the two topics somebody follows. */
async function places(): Promise<Places> {
  const { items } = (await server.topic(process.argv.includes("list") ? list : records, "0").read()).model;
  const shown = Array.isArray(items)
    ? items
    : firstItems().map(({ id }) => (items as Record<string, Item>)[id]!);
  return shown.map(({ x, y }) => [x, y]);
}
httpServer.listen(0, "127.0.0.1", () =>
  control((httpServer.address() as AddressInfo).port, () => server.inspect().connections.unwritten, places),
);
