// The process that dies: a server over a log in SQLite, or beside others over one in Postgres. It waits until it is told to
// begin, so that the next one can be loaded while this one lives.
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer } from "@calla/server";
import type { LogStorage, PubSub } from "@calla/server";
import { syncChannel } from "@calla/server/bridge";
import { createChannels, phoenix } from "@calla/server/channels";
import { http } from "@calla/server/http";
import { pgDriver, postgresLog, postgresPubSub } from "@calla/server/postgres";
import { sqlite } from "@calla/server/sqlite";
import { webSocket } from "@calla/server/websocket";
import { setup } from "../wiring.ts";
import { dyingLog } from "./points.ts";
import type { Death } from "./points.ts";

/** Where a server keeps what it acknowledges. */
export type Kept =
  | { readonly file: string }
  | {
      readonly url: string;
      /** Others' rings do not reach it. */
      readonly deaf: boolean;
    };
export type Order =
  | { readonly type: "begin"; readonly kept: Kept; readonly death: Death | undefined }
  /** What does it say of these topics? Then it stops. */
  | { readonly type: "end"; readonly pads: readonly string[] };
export type Word =
  | { readonly type: "loaded" }
  | { readonly type: "listening"; readonly port: number }
  | { readonly type: "reported"; readonly code: string; readonly error: string }
  | {
      readonly type: "models";
      readonly models: readonly { readonly model: unknown; readonly sequence: number }[];
    };

const tell = (word: Word): void => void process.send!(word);
const die = (): void => void process.kill(process.pid, "SIGKILL");

const onError = (error: unknown): void =>
  tell({ type: "reported", code: (error as { code?: string }).code ?? "", error: String(error) });

let server: ReturnType<typeof begin> | undefined;

function place(kept: Kept): { readonly log: LogStorage; readonly pubsub?: PubSub } {
  if ("file" in kept) return { log: sqlite(kept.file, { retention: 400 }) };
  const driver = pgDriver({ url: kept.url, connections: 6 });
  // Shorter than a node stands still.
  const log = postgresLog({ driver, retention: 10_000, deadline: 1_500, onError });
  const pubsub = postgresPubSub(driver, { heartbeat: 500, deadline: 1_000, onError });
  return { log, pubsub: kept.deaf ? { ...pubsub, subscribe: () => () => undefined } : pubsub };
}

function begin({ kept, death }: Extract<Order, { type: "begin" }>) {
  const { log, ...others } = place(kept);
  const made = createServer({
    wiring: setup.wiring,
    serialiser: setup.serialiser,
    secret: "a secret that all nodes have",
    log: death === undefined ? log : dyingLog(log, death, die),
    ...others,
    authenticate: ({ token }) => ({ id: String(token) }),
    origins: "any",
    // Low, so that what happens rarely happens in every life.
    limits: {
      snapshotEvery: 3,
      maxCatchUp: 40,
      maxStaleness: 1_000,
      digestEvery: 200,
      maxConnectionsPerAddress: Infinity,
      identityRate: Infinity,
    },
    strict: true,
    onError,
  });
  setup.server(made);
  const httpServer = createHttpServer(http(made, { heartbeat: 500 }).node);
  webSocket(made, { httpServer, path: "/ws" });
  const channels = createChannels({ beside: made, limits: { channelRate: Infinity, joinRate: Infinity } });
  phoenix(channels.register(syncChannel(made, setup.wiring.topics[0])), { httpServer, path: "/socket" });
  httpServer.listen(0, "127.0.0.1", () =>
    tell({ type: "listening", port: (httpServer.address() as AddressInfo).port }),
  );
  return made;
}

process.on("message", (order: Order) => {
  if (order.type === "begin") server = begin(order);
  else void end(order.pads);
});
tell({ type: "loaded" });

async function end(pads: readonly string[]): Promise<void> {
  const pad = setup.wiring.topics[0];
  const models = await Promise.all(pads.map((id) => server!.topic(pad, id).read()));
  await server!.stop();
  process.send!({ type: "models", models } satisfies Word, () => process.exit());
}
