// tldraw sync's own client over its own socket, with its store.
import "./page.ts"; // gives what the client looks for in a page
import { atom } from "@tldraw/state";
import { Store } from "@tldraw/store";
import * as core from "@tldraw/sync-core";
import type { TLPersistentClientSocket, TLPresenceMode } from "@tldraw/sync-core";
import { moved } from "../fixtures.ts";
import type { Kept, RealClient, RealSystem } from "./real-client.ts";
import { ids, schema } from "./tldraw-items.ts";
import type { ItemRecord } from "./tldraw-items.ts";

/** What its hook for React makes the socket of; its types do not tell of it. */
const { ClientWebSocketAdapter } = core as unknown as {
  readonly ClientWebSocketAdapter: new (uri: () => string) => TLPersistentClientSocket;
};

export function tldrawClients(kept: Kept): RealSystem {
  if (kept === "list") throw new Error("tldraw's store holds records by their ids and nothing else");
  return {
    server: ["server-tldraw"],
    async join(port, number, lost): Promise<RealClient> {
      const store = new Store<ItemRecord>({ schema, props: undefined });
      const socket = new ClientWebSocketAdapter(() => `ws://127.0.0.1:${port}/?session=${number}`);
      let client: core.TLSyncClient<ItemRecord> | undefined;
      await new Promise<void>((resolve) => {
        client = new core.TLSyncClient<ItemRecord>({
          store,
          socket,
          presence: atom<ItemRecord | null>("presence", null),
          presenceMode: atom<TLPresenceMode>("mode", "full"),
          onLoad: () => resolve(),
          onSyncError: lost,
        });
      });
      socket.onStatusChange(({ status }) => status !== "online" && lost(status));
      // An app that renders listens.
      store.listen(() => undefined);
      return {
        change(n) {
          const { item, x, y } = moved(number, n);
          store.update(ids[item]!, (record) => ({ ...record, x, y }));
        },
        item: (at) => store.get(ids[at]!),
        close() {
          client?.close();
          socket.close();
        },
      };
    },
  };
}
