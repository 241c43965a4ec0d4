// Over real sockets on loopback, with a server object that only notes what it is told.
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server } from "node:http";
import { connect as connectTcp } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import type { Cancel, Clock } from "@calla/shared";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { RawData } from "ws";
import type { Connection, ConnectRequest, WireFrame } from "../../base/connection.ts";
import { webSocket } from "./websocket.ts";
import type { WebSocketHost, WebSocketOptions, WebSocketRefusal, WebSocketTransport } from "./websocket.ts";

/** One connection as the server sees it. */
class Seen {
  readonly incoming: (string | Uint8Array)[] = [];
  readonly ends: (readonly [number | undefined, string | undefined])[] = [];
  drains = 0;
  readonly connection: Connection;
  readonly request: ConnectRequest;
  readonly format: string;
  constructor(connection: Connection, request: ConnectRequest, format: string) {
    this.connection = connection;
    this.request = request;
    this.format = format;
  }
}

let http: Server;
let transport: WebSocketTransport;
let seen: Seen[];
let refused: WebSocketRefusal[];
/** Resolves `until` as soon as its condition holds, asked after everything that the server is told. */
let waiting: (() => void)[];
const told = () => waiting.forEach((look) => look());
const until = (holds: () => boolean): Promise<void> =>
  new Promise((resolve) => {
    const look = () => {
      if (!holds()) return;
      waiting = waiting.filter((other) => other !== look);
      resolve();
    };
    waiting.push(look);
    look();
  });
const clients: (WebSocket | Socket)[] = [];

const host = (more: Partial<WebSocketHost> = {}): WebSocketHost => ({
  connect({ connection, request, format }) {
    const one = new Seen(connection, request, format);
    seen.push(one);
    queueMicrotask(told);
    return {
      incoming: (data) => void (one.incoming.push(data), told()),
      disconnect: (code, reason) => void (one.ends.push([code, reason]), told()),
      drained: () => void (one.drains++, told()),
    };
  },
  allowsOrigin: ({ headers }) =>
    headers["origin"] === undefined || headers["origin"] === "https://app.example",
  limits: { maxFrameBytes: 100_000 },
  serialiser: { formats: [{ name: "json" }, { name: "messagepack" }] },
  refused: (refusal) => void (refused.push(refusal), told()),
  ...more,
});

async function serve(more: Partial<WebSocketHost> = {}, options: WebSocketOptions = {}): Promise<void> {
  transport = webSocket(host(more), { httpServer: http, ...options });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
}
const port = (): number => (http.address() as AddressInfo).port;

function dial(
  protocols: string[] = ["calla.json"],
  { path = "/ws", ...options }: { path?: string; origin?: string } = {},
): WebSocket {
  const client = new WebSocket(`ws://127.0.0.1:${port()}${path}`, protocols, options);
  client.on("error", () => undefined);
  clients.push(client);
  return client;
}
/** A client and the server's view of it. */
async function pair(
  protocols?: string[],
): Promise<{ client: WebSocket; one: Seen; messages: [RawData, boolean][] }> {
  const before = seen.length;
  const client = dial(protocols);
  const messages: [RawData, boolean][] = [];
  client.on("message", (data, isBinary) => void (messages.push([data, isBinary]), told()));
  await once(client, "open");
  await until(() => seen.length > before);
  return { client, one: seen[before] as Seen, messages };
}
/** What a refused request was answered. */
async function refusal(client: WebSocket): Promise<{ status: number | undefined; text: string }> {
  const [, response] = (await once(client, "unexpected-response")) as [unknown, IncomingMessage];
  let text = "";
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode, text };
}
const text = (content: string): WireFrame => ({ bytes: Buffer.from(content), text: true });
const closed = async (client: WebSocket): Promise<[number, string]> => {
  const [code, reason] = (await once(client, "close")) as [number, Buffer];
  return [code, reason.toString()];
};

beforeEach(() => {
  http = createServer((_, response) => response.end("http"));
  seen = [];
  refused = [];
  waiting = [];
});
afterEach(async () => {
  for (const client of clients.splice(0)) {
    if (client instanceof WebSocket) client.terminate();
    else client.destroy();
  }
  await transport.close();
  http.closeAllConnections();
  await new Promise((done) => http.close(done));
});

describe("who comes in", () => {
  test("[TR1] a foreign origin is told so and no more, nothing of it is kept, and the reason is recorded", async () => {
    await serve();
    const evil = dial(["calla.json"], { origin: "https://evil.example" });
    evil.on("open", () => evil.send("anything"));
    const [code, reason] = (await once(evil, "close")) as [number, Buffer];
    expect([code, reason.toString()]).toEqual([4002, "origin"]);
    expect(seen).toEqual([]);
    expect(transport.connections).toBe(0);
    expect(refused).toMatchObject([
      { status: 403, reason: "origin", request: { headers: { origin: "https://evil.example" } } },
    ]);
    await once(dial(["calla.json"], { origin: "https://app.example" }), "open");
  });

  test("[TR1] a foreign origin that speaks no format of ours gets 403", async () => {
    await serve();
    const answer = await refusal(dial(["chat"], { origin: "https://evil.example" }));
    expect(answer).toEqual({ status: 403, text: "This origin may not connect." });
  });

  test("[TR1] an origin check that throws lets nobody in", async () => {
    await serve({
      allowsOrigin: () => {
        throw new Error("oops");
      },
    });
    expect(await refusal(dial())).toMatchObject({ status: 500 });
    expect(refused).toMatchObject([{ status: 500, reason: "failed", error: { message: "oops" } }]);
    expect(seen).toEqual([]);
  });

  test("[TR2] the format is the first subprotocol asked for that the server speaks", async () => {
    await serve();
    for (const [asked, format] of [
      [["calla.json"], "json"],
      [["calla.messagepack"], "messagepack"],
      [["calla.messagepack", "calla.json"], "messagepack"],
      [["chat", "calla.cbor", "calla.json"], "json"],
    ] as const) {
      const { client, one } = await pair([...asked]);
      expect([client.protocol, one.format]).toEqual([`calla.${format}`, format]);
    }
  });

  test("[TR2] a request for no format that the server speaks gets 400, naming those there are", async () => {
    await serve();
    for (const asked of [[], ["json"], ["calla."], ["calla.cbor", "Calla.json"]]) {
      const answer = await refusal(dial(asked));
      expect(answer).toEqual({
        status: 400,
        text: "Ask for one of these subprotocols: calla.json, calla.messagepack.",
      });
    }
    expect(refused.map(({ reason }) => reason)).toEqual(["format", "format", "format", "format"]);
    expect(seen).toEqual([]);
  });

  test("[TR3] other paths are other listeners'; a path that is nobody's gets 404", async () => {
    await serve();
    expect(await refusal(dial(undefined, { path: "/other" }))).toEqual({
      status: 404,
      text: "WebSockets are at /ws.",
    });
    await once(dial(undefined, { path: "/ws?page=1" }), "open");
    http.on("upgrade", (request: IncomingMessage, socket: Socket) => {
      if (request.url === "/other") socket.end("HTTP/1.1 418 Teapot\r\n\r\n");
    });
    expect(await refusal(dial(undefined, { path: "/other" }))).toMatchObject({ status: 418 });
  });

  test("[TR3] without an http server, requests are handed over by hand", async () => {
    await serve({}, { httpServer: undefined, path: "/live" });
    const taken: boolean[] = [];
    http.on("upgrade", (request, socket, head) => {
      taken.push(transport.handleUpgrade(request, socket, head));
      if (taken.at(-1) === false) socket.end("HTTP/1.1 418 Teapot\r\n\r\n");
    });
    await once(dial(undefined, { path: "/live" }), "open");
    expect(await refusal(dial())).toMatchObject({ status: 418 });
    expect(taken).toEqual([true, false]);
  });

  test("[TR4] the server reads address, headers and url of the request", async () => {
    await serve();
    const { one } = await pair();
    expect(one.request).toMatchObject({
      url: "/ws",
      remoteAddress: "127.0.0.1",
      headers: { upgrade: "websocket" },
    });
  });

  test("[TR4] a server that throws at a connection loses that connection only", async () => {
    await serve({
      connect: () => {
        throw new Error("oops");
      },
    });
    expect(await closed(dial())).toEqual([1011, "failed"]);
    expect(refused).toMatchObject([{ reason: "failed", error: { message: "oops" } }]);
    await once(dial(), "open");
  });

  test("[TR5] a request that is no WebSocket handshake gets an answer and reaches nobody", async () => {
    await serve();
    const socket = connectTcp(port(), "127.0.0.1");
    clients.push(socket);
    socket.write(
      "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: calla.json\r\n\r\n",
    );
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 400 /);
    expect(seen).toEqual([]);
  });
});

describe("what goes through", () => {
  test("[TR6] frames of every header size arrive whole, as text and as bytes", async () => {
    await serve();
    const { one, messages } = await pair();
    const sizes = [0, 1, 125, 126, 127, 65_535, 65_536, 200_000];
    for (const size of sizes) {
      one.connection.send(text("é".repeat(size / 2) + "a".repeat(size % 2)));
      one.connection.send({ bytes: new Uint8Array(size).fill(size % 251), text: false });
    }
    await until(() => messages.length === 2 * sizes.length);
    for (const [i, size] of sizes.entries()) {
      const [asText, asBytes] = [messages[2 * i], messages[2 * i + 1]];
      expect([asText?.[1], asText?.[0].toString()]).toEqual([
        false,
        "é".repeat(size / 2) + "a".repeat(size % 2),
      ]);
      expect([asBytes?.[1], Buffer.compare(asBytes?.[0] as Buffer, Buffer.alloc(size, size % 251))]).toEqual([
        true,
        0,
      ]);
    }
  });

  test("[TR7] one frame object goes to many subscribers, frozen or not", async () => {
    await serve();
    const pairs = [await pair(), await pair(), await pair()];
    const frames = [text("shared"), Object.freeze(text("frozen"))];
    for (const frame of frames) for (const { one } of pairs) one.connection.send(frame);
    await until(() => pairs.every(({ messages }) => messages.length === 2));
    for (const { messages } of pairs)
      expect(messages.map(([data]) => data.toString())).toEqual(["shared", "frozen"]);
  });

  test("[TR8] a thousand frames of one turn arrive in order, through one write", async () => {
    await serve();
    const { client, one, messages } = await pair();
    for (let i = 0; i < 1_000; i++) one.connection.send(text(`${i}`));
    expect(one.connection.bufferedAmount()).toBeGreaterThan(3_000);
    await until(() => messages.length === 1_000);
    expect(messages.map(([data]) => Number(data.toString()))).toEqual(
      Array.from({ length: 1_000 }, (_, i) => i),
    );
    expect(one.connection.bufferedAmount()).toBe(0);
    client.close(1000);
    await until(() => one.ends.length === 1);
  });

  test("[TR9] pongs and pings of both sides fall between frames, never into them", async () => {
    await serve();
    const { client, one, messages } = await pair();
    const pongs: string[] = [];
    client.on("pong", (data) => void (pongs.push(data.toString()), told()));
    const large = "x".repeat(80_000);
    for (let i = 0; i < 100; i++) {
      client.ping(`${i}`);
      client.send(`${i}`);
    }
    await until(() => {
      // Each answer goes out in the same step as the pongs of the frames beside it.
      while (messages.length + asked < one.incoming.length)
        one.connection.send(text(asked++ % 10 === 0 ? large : "small"));
      return pongs.length === 100 && one.incoming.length === 100;
    });
    expect(pongs).toEqual(Array.from({ length: 100 }, (_, i) => `${i}`));
    await until(() => messages.length === asked);
    expect(messages.every(([data]) => ["small", large].includes(data.toString()))).toBe(true);
  });
  let asked = 0;

  test("[TR10] text comes in as a string, bytes as bytes, in order", async () => {
    await serve();
    const { client, one } = await pair(["calla.messagepack"]);
    client.send("ünï\u2028");
    client.send(new Uint8Array([0, 255]));
    client.send("");
    await until(() => one.incoming.length === 3);
    expect(one.incoming).toEqual(["ünï\u2028", Buffer.from([0, 255]), ""]);
  });

  test("[TR11] what had to wait is counted, and drained is called once it is written", async () => {
    await serve();
    const { client, one, messages } = await pair();
    client.pause();
    const frame = text("x".repeat(1_000_000));
    for (let i = 0; i < 40; i++) one.connection.send(frame);
    await new Promise((done) => setImmediate(done));
    expect(one.connection.bufferedAmount()).toBeGreaterThan(10_000_000);
    expect(one.drains).toBe(0);
    client.resume();
    await until(() => one.drains === 1 && messages.length === 40);
    expect(one.connection.bufferedAmount()).toBe(0);
  });
});

describe("how it ends", () => {
  test("[TR12] close sends what waits, then code and reason; the server hears of the end once", async () => {
    await serve();
    const { client, one, messages } = await pair();
    one.connection.send(text("last word"));
    one.connection.close(4001, "superseded");
    expect(await closed(client)).toEqual([4001, "superseded"]);
    expect(messages.map(([data]) => data.toString())).toEqual(["last word"]);
    await until(() => one.ends.length > 0);
    expect(one.ends).toEqual([[4001, "superseded"]]);
    expect(transport.connections).toBe(0);
  });

  test("[TR12] codes that no close frame may carry become 1011, long reasons are cut at a character", async () => {
    await serve();
    for (const code of [1006, 1005, 0, 2000, 5000, Number.NaN]) {
      const { client, one } = await pair();
      one.connection.close(code, "é".repeat(100));
      expect(await closed(client)).toEqual([1011, "é".repeat(61)]);
    }
  });

  test("[TR13] after close nothing comes in, goes out or throws; late events touch nothing (S22)", async () => {
    await serve();
    const { client, one, messages } = await pair();
    client.on("message", () => undefined);
    one.connection.close(4001, "superseded");
    client.send("late");
    one.connection.send(text("late"));
    one.connection.close(4002, "again");
    expect(await closed(client)).toEqual([4001, "superseded"]);
    await until(() => one.ends.length === 1);
    one.connection.send(text("later"));
    one.connection.close(4003, "later");
    await new Promise((done) => setImmediate(done));
    expect([messages, one.incoming, one.ends.length, one.connection.bufferedAmount()]).toEqual([
      [],
      [],
      1,
      0,
    ]);
  });

  test("[TR14] a peer that vanishes, resets or breaks the protocol is an end, never an exception", async () => {
    await serve();
    const vanished = await pair();
    vanished.client.terminate();
    await until(() => vanished.one.ends.length === 1);
    expect(vanished.one.ends).toEqual([[1006, ""]]);

    const broken = await pair();
    // An unmasked frame, which no client may send.
    (broken.client as unknown as { _socket: Socket })._socket.write(Buffer.from([0x81, 1, 65]));
    await until(() => broken.one.ends.length === 1);
    expect(broken.one.ends[0]?.[1]).toBe("WS_ERR_EXPECTED_MASK");
    expect(broken.one.incoming).toEqual([]);

    const reset = await pair();
    for (let i = 0; i < 100; i++) reset.one.connection.send(text("x".repeat(60_000)));
    (reset.client as unknown as { _socket: Socket })._socket.resetAndDestroy();
    await until(() => reset.one.ends.length === 1);
    reset.one.connection.send(text("to nobody"));
    await pair();
  });

  test("[TR15] [OB13] a frame over the limit closes with 1009 and why, and is reported as too-large", async () => {
    await serve();
    const { client, one } = await pair();
    client.send("x".repeat(100_000));
    client.send("x".repeat(100_001));
    const [code, reason] = await closed(client);
    expect([code, String(reason)]).toEqual([1009, "too-large"]);
    await until(() => one.ends.length === 1);
    expect(one.ends[0]?.[1]).toBe("too-large");
    expect(one.incoming.map((data) => data.length)).toEqual([100_000]);
  });

  test("[TR15] text that is not UTF-8 closes with 1007", async () => {
    await serve();
    const { client, one } = await pair();
    client.send(Buffer.from([0xff]), { binary: false });
    expect((await closed(client))[0]).toBe(1007);
    await until(() => one.ends.length === 1);
    expect(one.incoming).toEqual([]);
  });

  test("[TR16] closing the transport says 1001 to everyone, takes nobody new and resolves when all are gone", async () => {
    await serve();
    const pairs = [await pair(), await pair(), await pair()];
    const codes = pairs.map(({ client }) => closed(client));
    await Promise.all([transport.close(), transport.close()]);
    expect(await Promise.all(codes)).toEqual([1, 2, 3].map(() => [1001, "closing"]));
    expect(pairs.map(({ one }) => one.ends.length)).toEqual([1, 1, 1]);
    http.on("upgrade", (request, socket, head) => void transport.handleUpgrade(request, socket, head));
    expect(await refusal(dial())).toMatchObject({ status: 503 });
  });
});

describe("heartbeat", () => {
  /** Time that moves when told to. */
  function handClock(): Clock & { beat(): void; readonly timers: number } {
    let timers: { readonly run: () => void; readonly milliseconds: number }[] = [];
    return {
      now: () => 0,
      setTimeout(run, milliseconds): Cancel {
        const timer = { run, milliseconds };
        timers.push(timer);
        return () => void (timers = timers.filter((one) => one !== timer));
      },
      defer: (run) => void setImmediate(run),
      beat() {
        const due = timers;
        timers = [];
        for (const { run } of due) run();
      },
      get timers() {
        return timers.length;
      },
    };
  }

  test("[TR17] every connection is pinged once an interval, by one timer for all", async () => {
    const clock = handClock();
    await serve({}, { clock, pingInterval: 3_000 });
    const pings: number[] = [];
    for (let i = 0; i < 5; i++) {
      const { client } = await pair();
      client.on("ping", () => void (pings.push(i), told()));
      clock.beat();
    }
    for (let i = 0; i < 3; i++) clock.beat();
    await until(() => pings.length === 8);
    // Eight beats of a second, an interval of three: who came first was pinged twice, never in its first two seconds.
    expect(pings.toSorted()).toEqual([0, 0, 1, 1, 2, 2, 3, 4]);
    expect(clock.timers).toBe(1);
  });

  test("[TR18] a peer that leaves two pings unanswered is cut off (S23); one that answers, or speaks, stays", async () => {
    const clock = handClock();
    await serve({}, { clock, pingInterval: 1_000 });
    const half = await pair();
    half.client.pause();
    const alive = await pair();
    let pings = 0;
    alive.client.on("ping", () => void (pings++, told()));
    for (let i = 1; i <= 3; i++) {
      clock.beat();
      await until(() => pings === i);
      alive.client.send("here");
      await until(() => alive.one.incoming.length === i);
    }
    await until(() => half.one.ends.length === 1);
    expect(half.one.ends).toEqual([[1006, "heartbeat"]]);
    expect(alive.one.ends).toEqual([]);
    expect(transport.connections).toBe(1);
  });

  test("[TR19] a pause is no silence of the peer, and its end no reason to wait", async () => {
    const clock = handClock();
    await serve({}, { clock, pingInterval: 1_000 });
    const { client, one } = await pair();
    one.connection.pause?.();
    client.send("unread");
    for (let i = 0; i < 5; i++) clock.beat();
    expect(one.ends).toEqual([]);
    one.connection.close(4001, "away");
    expect(await closed(client)).toEqual([4001, "away"]);
    await until(() => one.ends.length === 1);
    expect(one.incoming).toEqual([]);
    one.connection.pause?.();
    one.connection.resume?.();
  });

  test("[TR18] a peer that is still taking in what came before the pings stays", async () => {
    const clock = handClock();
    await serve({}, { clock, pingInterval: 1_000 });
    const sockets: Socket[] = [];
    http.on("connection", (socket) => void sockets.push(socket));
    const { client, one } = await pair();
    const unsent = () =>
      (sockets[0] as unknown as { _handle: { writeQueueSize: number } })._handle.writeQueueSize;
    client.pause();
    for (let i = 0; i < 60; i++) one.connection.send(text("x".repeat(1_000_000)));
    await new Promise((done) => setImmediate(done));
    for (let i = 0; i < 6; i++) {
      clock.beat();
      const before = unsent();
      client.resume();
      while (unsent() === before) await new Promise((done) => setImmediate(done));
      client.pause();
    }
    expect(one.connection.bufferedAmount()).toBeGreaterThan(0);
    expect(one.ends).toEqual([]);
    for (let i = 0; i < 4; i++) clock.beat();
    await until(() => one.ends.length === 1);
  });
});

describe("pauses", () => {
  test("[TR19] what is paused is not read, keeps its order, loses nothing, and goes on when each pause is over", async () => {
    await serve();
    const { client, one } = await pair();
    client.send("before");
    await until(() => one.incoming.length === 1);
    one.connection.pause?.();
    one.connection.pause?.();
    for (let i = 0; i < 200; i++) client.send(`${i} ${"x".repeat(50_000)}`);
    one.connection.resume?.();
    one.connection.send(text("still here"));
    await once(client, "message");
    expect(one.incoming).toHaveLength(1);
    // 10 MB are on their way: what is not read waits at the peer.
    expect(client.bufferedAmount).toBeGreaterThan(1_000_000);
    one.connection.resume?.();
    one.connection.resume?.(); // one too many
    await until(() => one.incoming.length === 201);
    expect(one.incoming.slice(1).map((said) => Number.parseInt(said as string, 10))).toEqual(
      Array.from({ length: 200 }, (_, i) => i),
    );
  });
});
