// tldraw sync's own room over `ws`, in memory: as its documentation's example, with records of our own.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { InMemorySyncStorage, TLSocketRoom } from "@tldraw/sync-core";
import { WebSocketServer } from "ws";
import { firstRecords, ids, schema } from "./clients/tldraw-items.ts";
import type { ItemRecord } from "./clients/tldraw-items.ts";
import { control } from "./control.ts";

const storage = new InMemorySyncStorage<ItemRecord>({
  snapshot: {
    documentClock: 0,
    documents: firstRecords().map((state) => ({ state, lastChangedClock: 0 })),
    schema: schema.serialize(),
  },
});
const room = new TLSocketRoom<ItemRecord>({ schema, storage });
const server = createServer();
const sockets = new WebSocketServer({ server });
sockets.on("connection", (socket, { url }) =>
  room.handleSocketConnect({
    sessionId: new URL(url ?? "", "ws://host").searchParams.get("session") ?? "",
    socket,
  }),
);
server.listen(0, "127.0.0.1", () =>
  control((server.address() as AddressInfo).port, undefined, () => {
    const known = new Map(storage.getSnapshot().documents.map(({ state }) => [state.id as string, state]));
    return ids.map((id) => {
      const { x, y } = known.get(id) as ItemRecord;
      return [x, y];
    });
  }),
);
