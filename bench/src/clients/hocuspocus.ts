// Hocuspocus' own client, a Y.Doc kept in step by its provider: each item is a Y.Map, all of them in a Y.Map by their ids
// or in a Y.Array.
import { HocuspocusProvider, HocuspocusProviderWebsocket } from "@hocuspocus/provider";
import { WebSocket } from "ws";
import { Doc } from "yjs";
import type { Map as YMap } from "yjs";
import { moved } from "../fixtures.ts";
import { document, itemIn } from "./y-items.ts";
import type { Kept, RealClient, RealSystem } from "./real-client.ts";

export const hocuspocusClients = (kept: Kept): RealSystem => ({
  server: ["server-hocuspocus", kept],
  async join(port, number, lost): Promise<RealClient> {
    const doc = new Doc();
    const websocketProvider = new HocuspocusProviderWebsocket({
      url: `ws://127.0.0.1:${port}`,
      WebSocketPolyfill: WebSocket,
    });
    let provider: HocuspocusProvider | undefined;
    await new Promise<void>((resolve) => {
      provider = new HocuspocusProvider({
        websocketProvider,
        name: document,
        document: doc,
        onSynced: () => resolve(),
        onDisconnect: ({ event }) => lost(`${event.code} ${event.reason}`),
      });
      provider.attach();
    });
    const item: (at: number) => YMap<unknown> | undefined = itemIn(doc, kept);
    // An app that renders listens.
    (kept === "record" ? doc.getMap(document) : doc.getArray(document)).observeDeep(() => undefined);
    return {
      change(n) {
        const { item: at, x, y } = moved(number, n);
        const one = item(at)!;
        doc.transact(() => {
          one.set("x", x);
          one.set("y", y);
        });
      },
      item(at) {
        const one = item(at);
        return (
          one && {
            id: one.get("id") as string,
            text: one.get("text") as string,
            x: one.get("x") as number,
            y: one.get("y") as number,
          }
        );
      },
      close() {
        provider?.destroy();
        websocketProvider.destroy();
      },
    };
  },
});
