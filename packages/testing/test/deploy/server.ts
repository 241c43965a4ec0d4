// A server of one version in a process of its own, beside others over one SQLite file. Its doorbells go through whoever
// started it. On SIGTERM it drains and ends, as a deploy asks.
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer } from "@calla/server";
import type { PubSub } from "@calla/server";
import { sqlite } from "@calla/server/sqlite";
import { webSocket } from "@calla/server/websocket";
import { olderSetup } from "../older-wiring.ts";
import { setup as newest } from "../wiring.ts";

/** Something said between nodes. */
export interface Ring {
  readonly type: "ring";
  readonly channel: string;
  readonly payload: unknown;
}
export type Order =
  | { readonly type: "begin"; readonly file: string; readonly version: 1 | 2 }
  | Ring
  | { readonly type: "read"; readonly pads: readonly string[] };
export type Word =
  | { readonly type: "loaded" }
  | { readonly type: "listening"; readonly port: number }
  | { readonly type: "reported"; readonly code: string; readonly error: string }
  | Ring
  | {
      readonly type: "models";
      readonly models: readonly { readonly model: unknown; readonly sequence: number }[];
    };

const tell = (word: Word): void => void process.send!(word);

const listeners = new Map<string, Set<(payload: unknown) => void>>();
const pubsub: PubSub = {
  publish: (channel, payload) => tell({ type: "ring", channel, payload }),
  subscribe(channel, listener) {
    const all = listeners.get(channel) ?? new Set();
    listeners.set(channel, all.add(listener));
    return () => void all.delete(listener);
  },
};

function begin({ file, version }: Extract<Order, { type: "begin" }>) {
  const setup = (version === 1 ? olderSetup : newest) as typeof newest;
  const server = createServer({
    wiring: setup.wiring,
    serialiser: setup.serialiser,
    log: sqlite(file, { retention: 1_000_000 }),
    pubsub,
    authenticate: ({ token }) => ({ id: String(token) }),
    origins: "any",
    limits: { snapshotEvery: 40, maxStaleness: 1_000, digestEvery: 200 },
    strict: true,
    onError: (error) =>
      tell({ type: "reported", code: (error as { code?: string }).code ?? "", error: String(error) }),
  });
  setup.server(server);
  const httpServer = createHttpServer();
  const sockets = webSocket(server, { httpServer });
  httpServer.listen(0, "127.0.0.1", () =>
    tell({ type: "listening", port: (httpServer.address() as AddressInfo).port }),
  );
  process.once("SIGTERM", () => {
    void server
      .drain({ over: 400, reconnectWithin: 200 })
      .then(() => sockets.close())
      .then(() => process.exit(0));
  });
  return async (pads: readonly string[]): Promise<void> => {
    const [pad] = setup.wiring.topics;
    tell({ type: "models", models: await Promise.all(pads.map((id) => server.topic(pad, id).read())) });
  };
}

let read: ReturnType<typeof begin> | undefined;
process.on("message", (order: Order) => {
  if (order.type === "begin") read = begin(order);
  else if (order.type === "read") void read!(order.pads);
  else for (const listener of listeners.get(order.channel) ?? []) listener(order.payload);
});
tell({ type: "loaded" });
