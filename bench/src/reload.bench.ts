// What a reload costs: Calla's own client with a stored model and cursor, ten records behind, beside a first visit. Bytes
// are counted on the way, handshake and all; what is shown at the end must be the server's model.
import { createServer as createHttpServer } from "node:http";
import { connect, createServer as createTcpServer } from "node:net";
import type { AddressInfo, Server as TcpServer } from "node:net";
import { isDeepStrictEqual } from "node:util";
import { createClient, keepModels, memoryStorage } from "@calla/client";
import { webSocket as webSocketTransport } from "@calla/client/websocket";
import { createServer } from "@calla/server";
import { webSocket } from "@calla/server/websocket";
import { WebSocket } from "ws";
import { ITEMS, list, moved, serialiser, wiring } from "./fixtures.ts";
import { median } from "./median.ts";
import type { Micro } from "./report.ts";

const quick = process.argv[2] === "quick";
const VISITS = quick ? 2 : 15;
const RECORDS = quick ? 500 : 5_000;
const MISSED = 10;

const server = createServer({
  wiring,
  serialiser,
  strict: false,
  authenticate: () => ({ id: "user" }),
});
server.handle(list, { canSubscribe: () => true, canDispatch: () => true });
const topic = server.topic(list, "0");
const httpServer = createHttpServer();
webSocket(server, { httpServer });
const listening = (one: TcpServer): Promise<number> =>
  new Promise((resolve) => one.listen(0, "127.0.0.1", () => resolve((one.address() as AddressInfo).port)));
const behind = await listening(httpServer);

/** Bytes that went to clients. */
let bytes = 0;
const counter = createTcpServer((socket) => {
  const onwards = connect({ port: behind, host: "127.0.0.1" });
  onwards.on("data", (chunk) => (bytes += chunk.length));
  socket.pipe(onwards).pipe(socket);
  for (const one of [socket, onwards]) one.on("error", () => one.destroy());
});
const port = await listening(counter);

let said = 0;
async function say(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await topic.dispatch(moved(0, ++said));
}

interface Visit {
  readonly bytes: number;
  /** Milliseconds until the page shows what the server has. */
  readonly current: number;
  /** And until it shows anything. */
  readonly shown: number;
}

async function visit(storage: ReturnType<typeof memoryStorage>, format: string): Promise<Visit> {
  const before = bytes;
  const began = performance.now();
  const client = createClient({
    wiring,
    serialiser: serialiser.use(format),
    transport: webSocketTransport({ url: `ws://127.0.0.1:${port}/ws`, WebSocket: WebSocket as never }),
    storage,
    user: "user",
    strict: false,
  });
  const followed = client.topic(list, "0");
  let shown: number | undefined;
  await new Promise<void>((resolve) => {
    followed.onChange(({ status, model }) => {
      if (model === undefined) return;
      shown ??= performance.now() - began;
      if (status === "live") resolve();
    });
  });
  const current = performance.now() - began;
  const received = bytes - before;
  const { model } = await topic.read();
  if (!isDeepStrictEqual(followed.state.model, model)) throw new Error("it does not show the server's model");
  await client.close();
  return { bytes: received, current, shown: shown ?? current };
}

await say(RECORDS);
const whole = (n: number): string => n.toLocaleString("en", { maximumFractionDigits: 0 });
const rows = [
  [
    "format",
    "visit",
    "bytes to the client",
    "of a first visit",
    "ms until it shows a model",
    "ms until it is current",
  ],
];
for (const { name } of serialiser.formats) {
  const first: Visit[] = [];
  const reload: Visit[] = [];
  for (let i = 0; i < VISITS; i++) {
    const storage = memoryStorage({ models: keepModels() });
    first.push(await visit(storage, name));
    await say(MISSED);
    reload.push(await visit(storage, name));
  }
  const of = (visits: readonly Visit[], key: keyof Visit): number => median(visits.map((one) => one[key]));
  for (const [title, visits] of [
    ["first", first],
    [`reload, ${MISSED} records missed`, reload],
  ] as const) {
    const share = of(visits, "bytes") / of(first, "bytes");
    const times = [of(visits, "shown"), of(visits, "current")].map((ms) => ms.toFixed(1));
    rows.push([name, title, whole(of(visits, "bytes")), share.toFixed(3), ...times]);
  }
}
counter.close();
await server.stop();
const micro: Micro = [
  {
    title: `A reload beside a first visit: ${whole(ITEMS)} items, ${whole(RECORDS)} records, Calla's client with a stored model`,
    rows,
  },
];
process.send?.(micro, () => process.exit());
if (process.send === undefined) process.stdout.write(`${JSON.stringify(micro, null, 1)}\n`);
