// The server of a long run, in a process of its own so that its heap is nobody else's. It answers what it holds.
import { createServer as createHttpServer } from "node:http";
import { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { queryObjects } from "node:v8";
import { createServer } from "@calla/server";
import type { Inspection } from "@calla/server";
import { http } from "@calla/server/http";
import { sqlite } from "@calla/server/sqlite";
import { webSocket } from "@calla/server/websocket";
import { WebSocket } from "ws";
import { cursors, room, serialiser, wiring } from "./wiring.ts";

export interface Held {
  /** Bytes in use after the collector has run, of the heap and beside it. */
  readonly heap: number;
  /** Sockets and answers that something still refers to. Only where they were asked for: counting them takes long. */
  readonly sockets: number;
  readonly answers: number;
  readonly inspection: Inspection;
  readonly connected: number;
  readonly accepted: number;
  readonly errors: readonly string[];
}
export type Word = { readonly port: number } | { readonly held: Held };

const errors: string[] = [];
let [connected, accepted] = [0, 0];

// Caches are small, so that they are full when the warm-up ends and their filling is not taken for a leak.
const server = createServer({
  wiring,
  serialiser,
  log: sqlite(process.argv[2]!, { retention: 50 }),
  authenticate: ({ token }) => ({ id: String(token) }),
  strict: false,
  limits: {
    maxConnectionsPerAddress: Infinity,
    identityRate: Infinity,
    maxCatchUp: 20,
    maxClientRows: 20,
    targetIdle: 500,
    snapshotEvery: 20,
    collapseBytes: 65_536,
  },
  onTopicMessage: () => accepted++,
  onConnect: () => void connected++,
  onError: (error) => errors.push(String(error)),
});
server.handle(room, { public: true });
server.handle(cursors, { public: true });
if (wiring.session !== undefined) server.handle(wiring.session, { public: true });
const transport = http(server);
const httpServer = createHttpServer(transport.node);
webSocket(server, { httpServer });
httpServer.listen(0, "127.0.0.1", () => tell({ port: (httpServer.address() as AddressInfo).port }));

function tell(word: Word): void {
  process.send!(word);
}

process.on("message", (order: "held" | "left" | "stop") => {
  if (order === "stop") return void server.stop().then(() => process.exit());
  return void held(order === "left").then((all) => tell({ held: all }));
});

async function held(counted: boolean): Promise<Held> {
  for (let i = 0; i < 2; i++) {
    globalThis.gc!();
    await new Promise(setImmediate); // finalisers run between
  }
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return {
    heap: heapUsed + external + arrayBuffers,
    sockets: counted ? queryObjects(WebSocket, { format: "count" }) : 0,
    answers: counted ? queryObjects(ServerResponse, { format: "count" }) : 0,
    inspection: server.inspect(),
    connected,
    accepted,
    errors,
  };
}
