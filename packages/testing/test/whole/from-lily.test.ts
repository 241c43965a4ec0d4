// docs/from-lily.md, row by row: what it says of each of lily's names is run here, under that name.
import { readFile } from "node:fs/promises";
import {
  automatic,
  CallaError,
  customJson,
  decode,
  defineClass,
  defineEphemeral,
  defineSession,
  defineTopic,
  defineWiring,
  encode,
  json,
  PROTOCOL_VERSION,
  serverOnly,
} from "@calla/shared";
import type { Serialiser, ServerFrame } from "@calla/shared";
import { customBinary, messagePack } from "@calla/shared/messagepack";
import { createClient } from "@calla/client";
import type { ClientOptions, Transport } from "@calla/client";
import { http } from "@calla/client/http";
import { webSocket } from "@calla/client/websocket";
import { createServer, generateClientId } from "@calla/server";
import type { ServerOptions } from "@calla/server";
import { afterEach, describe, expect, test, vi } from "vitest";
import * as z from "zod";
import { virtualClock } from "../../src/doubles/clock.ts";
import { connectionPair } from "../../src/network/pair.ts";

const chat = defineTopic("chat:*", {
  model: z.object({ lines: z.array(z.string()) }),
  initial: () => ({ lines: [] }),
  messages: { said: z.object({ line: z.string() }) },
  update: { said: ({ lines }, { line }) => ({ lines: [...lines, line] }) },
});
const typing = defineEphemeral("typing:*", { messages: { typed: z.object({}) } });
const session = defineSession({
  model: z.object({ name: z.string() }),
  initial: () => ({ name: "" }),
  messages: { named: z.object({ name: z.string() }), greeted: serverOnly(z.object({})) },
  update: { named: (_, { name }) => ({ name }), greeted: (model) => model },
});
const wiring = defineWiring({ session, topics: [chat, typing] });
type Options = ServerOptions<typeof wiring, { readonly id: string }>;
const said = (line: string) => ({ type: "said", line }) as const;

/** A server that lets everybody do everything, and clients on a virtual network. */
function together(options: Partial<Options> = {}, serialiser: Serialiser = automatic(json())) {
  const clock = virtualClock();
  const errors: unknown[] = [];
  const onError = (error: unknown): void => void errors.push(error);
  const server = createServer({ wiring, serialiser, clock, onError, ...options });
  for (const slice of [chat, typing]) server.handle(slice as typeof chat, { public: true });
  server.handle(session, { public: true });
  const page = (more: Partial<ClientOptions<typeof wiring>> = {}) => {
    const pair = connectionPair(server, { serialiser, clock, latency: () => 1 });
    const client = createClient({
      wiring,
      serialiser: pair.serialiser,
      transport: pair.transport,
      clock,
      onError,
      ...more,
    });
    return { client, pair };
  };
  const done = async <T>(work: Promise<T>): Promise<T> => {
    await clock.advance(10);
    return work;
  };
  return { clock, server, page, errors, done };
}

afterEach(() => {
  vi.unstubAllGlobals();
});

/** What becomes of attempts that all fail at once: the gaps between them. */
async function gaps(reconnect: Transport["reconnect"], count: number): Promise<number[]> {
  const clock = virtualClock();
  const times: number[] = [];
  const transport: Transport = {
    reconnect,
    connect(handlers) {
      times.push(clock.monotonic());
      clock.defer(() => handlers.close({ code: 1006, reason: "" }));
      return { send() {}, close() {} };
    },
  };
  const client = createClient({ wiring, serialiser: automatic(json()), transport, clock, onError: () => {} });
  await clock.advance(count * reconnect.maxMilliseconds * 2);
  const closed = client.close();
  await clock.settle();
  await closed;
  return times.slice(1, count + 1).map((time, i) => time - times[i]!);
}

const claims: Readonly<Record<string, () => unknown>> = {
  "store.Wiring": () => {
    expect(wiring.session).toBe(session);
    expect(wiring.topics).toEqual([chat, typing]);
    expect(wiring.local).toBeUndefined();
    expect(chat.initial()).toEqual({ lines: [] });
  },
  "client.start, client.connect": async () => {
    const { page, clock } = together();
    const at = page().client;
    const later = page({ connect: false }).client;
    await clock.advance(10);
    expect([at.status.connection, later.status.connection]).toEqual(["open", "offline"]);
    later.connect();
    await clock.advance(10);
    expect(later.status.connection).toBe("open");
  },
  "offline queueing": async () => {
    const { page, server, clock, done } = together();
    const { client, pair } = page({ maxPending: 2 });
    pair.reachable = false;
    const topic = client.topic(chat, "1");
    const writes = ["a", "b"].map((line) => topic.dispatch(said(line)));
    expect(() => topic.dispatch(said("c"))).toThrow(expect.objectContaining({ code: "queue-full" }));
    await clock.advance(60_000);
    expect(client.pending).toHaveLength(2);
    pair.reachable = true;
    await clock.advance(60_000);
    expect(writes.map(({ state }) => state)).toEqual(["applied", "applied"]);
    expect((await done(server.topic(chat, "1").read())).model.lines).toEqual(["a", "b"]);
  },
  "websocket, websocket_connect": async () => {
    const urls: string[] = [];
    class Socket {
      binaryType = "";
      readyState = 0;
      bufferedAmount = 0;
      constructor(url: string) {
        urls.push(url);
      }
      addEventListener(): void {}
      removeEventListener(): void {}
      send(): void {}
      close(): void {}
    }
    let asked = 0;
    const transport = webSocket({ url: () => `ws://x/${++asked}`, WebSocket: Socket as never });
    for (const wanted of ["ws://x/1", "ws://x/2"]) {
      transport.connect({ open() {}, receive() {}, close() {} }, json());
      await vi.waitFor(() => expect(urls.at(-1)).toBe(wanted));
    }
  },
  "http, http_connect": async () => {
    const asked: [string, string][] = [];
    const transport = http({
      url: "https://app.example/calla",
      fetch: (url, { method = "GET" }) => {
        asked.push([method, new URL(url).pathname]);
        return new Promise(() => {});
      },
    });
    const link = transport.connect({ open() {}, receive() {}, close() {} }, json());
    await new Promise((resolve) => setImmediate(resolve));
    const hello = { type: "Hello", protocol: PROTOCOL_VERSION, slices: {}, targets: [] };
    link.send(JSON.stringify(hello));
    await vi.waitFor(() => expect(asked.length).toBeGreaterThan(0));
    expect(new Set(asked.map(([, path]) => path))).toEqual(new Set(["/calla"]));
    link.close();
  },
  reconnect_base_milliseconds: () => {
    for (const [make, url] of [
      [webSocket, "wss://x/"],
      [http, "https://x/"],
    ] as const) {
      expect(make({ url }).reconnect.baseMilliseconds).toBe(1_000);
      expect(make({ url, reconnectBaseMilliseconds: 2_000 }).reconnect.baseMilliseconds).toBe(2_000);
    }
  },
  reconnect_max_milliseconds: async () => {
    expect(webSocket({ url: "ws://x/" }).reconnect.maxMilliseconds).toBe(30_000);
    expect(() => webSocket({ url: "ws://x/", reconnectMaxMilliseconds: 10 })).toThrow(CallaError);
    const longest = await gaps(
      { baseMilliseconds: 1_000, maxMilliseconds: 4_000, multiplier: 2, jitterRatio: 0.25 },
      40,
    );
    expect(Math.max(...longest)).toBeLessThanOrEqual(5_000);
    expect(Math.max(...longest)).toBeGreaterThan(4_000);
    expect(new Set(longest.slice(5)).size).toBeGreaterThan(20);
  },
  reconnect_multiplier: async () => {
    expect(webSocket({ url: "ws://x/" }).reconnect.multiplier).toBe(2);
    const times = await gaps(
      { baseMilliseconds: 1_000, maxMilliseconds: 9_000, multiplier: 3, jitterRatio: 0 },
      6,
    );
    expect(times.slice(-3)).toEqual([9_000, 9_000, 9_000]);
    expect(times[2]! / times[1]!).toBeLessThanOrEqual(3);
  },
  reconnect_jitter_ratio: () => {
    expect(webSocket({ url: "ws://x/" }).reconnect.jitterRatio).toBe(0.25);
    for (const ratio of [0, 1])
      expect(webSocket({ url: "ws://x/", reconnectJitterRatio: ratio }).reconnect.jitterRatio).toBe(ratio);
    for (const ratio of [-0.1, 1.1, Number.NaN])
      expect(() => webSocket({ url: "ws://x/", reconnectJitterRatio: ratio })).toThrow(CallaError);
  },
  // That a batch is one request is HT8 (transports/http/link.test.ts); here that it is an option with lily's default.
  flush_batch_size: () => {
    expect(() => http({ url: "https://x/", flushBatchSize: 0 })).toThrow(/flushBatchSize ≥ 1/);
    http({ url: "https://x/", flushBatchSize: 25 });
  },
  url_from_current_location: async () => {
    const urls: string[] = [];
    class Socket {
      binaryType = "";
      readyState = 0;
      bufferedAmount = 0;
      constructor(url: string) {
        urls.push(url);
      }
      addEventListener(): void {}
      send(): void {}
      close(): void {}
    }
    for (const [page, wanted] of [
      ["https://example.com:3000/app", "wss://example.com:3000/ws"],
      ["http://example.com/app", "ws://example.com/ws"],
    ] as const) {
      vi.stubGlobal("location", new URL(page));
      webSocket({ url: "/ws", WebSocket: Socket as never }).connect(
        { open() {}, receive() {}, close() {} },
        json(),
      );
      await vi.waitFor(() => expect(urls.at(-1)).toBe(wanted));
    }
  },
  "Connector, Handler": async () => {
    const { server, clock } = together();
    const heard: string[] = [];
    let attempts = 0;
    const inner = connectionPair(server, { serialiser: automatic(json()), clock, latency: () => 1 });
    const transport: Transport = {
      reconnect: inner.transport.reconnect,
      connect(handlers, format) {
        attempts++;
        return inner.transport.connect(
          {
            open: () => (heard.push("open"), handlers.open()),
            receive: (data) => (heard.push("receive"), handlers.receive(data)),
            close: (reason) => (heard.push("close"), handlers.close(reason)),
          },
          format,
        );
      },
    };
    createClient({ wiring, serialiser: automatic(json()), transport, clock, onError: () => {} });
    await clock.advance(20);
    expect(heard.slice(0, 2)).toEqual(["open", "receive"]);
    inner.cut();
    await clock.advance(20);
    expect(heard).toContain("close");
    await clock.advance(5_000);
    expect(attempts).toBe(2);
  },
  "transport.new, send, close": async () => {
    const { server, clock } = together();
    const { transport } = connectionPair(server, { serialiser: automatic(json()), clock, latency: () => 1 });
    const told: string[] = [];
    const link = transport.connect(
      { open: () => told.push("open"), receive: () => told.push("receive"), close: () => told.push("close") },
      json(),
    );
    expect(Object.keys(link)).toEqual(expect.arrayContaining(["send", "close"]));
    await clock.advance(10);
    link.close();
    await clock.advance(60_000);
    expect(told.filter((one) => one === "open")).toHaveLength(1);
  },
  automatic: () => {
    const both = automatic(json(), messagePack());
    expect(both.formats.map(({ name }) => name)).toEqual(["json", "messagepack"]);
    expect(typeof encode({ type: "Pong" }, both)).toBe("string");
    const { server } = together({}, both);
    const connection = { send() {}, close() {}, bufferedAmount: () => 0 };
    const request = { url: "/", headers: {}, remoteAddress: undefined };
    for (const { name } of both.formats) server.connect({ connection, request, format: name }).disconnect();
  },
  "use_json, use_message_pack": () => {
    const both = automatic(json(), messagePack());
    expect(encode({ type: "Pong" }, both.use("messagepack"))).toBeInstanceOf(Uint8Array);
    expect(typeof encode({ type: "Pong" }, both.use("messagepack").use("json"))).toBe("string");
    expect(() => automatic(json()).use("messagepack")).toThrow(/there is json/);
    const same = (value: unknown): never => value as never;
    const own = { encodeMessage: same, decodeMessage: same, encodeModel: same, decodeModel: same };
    for (const custom of [customJson(own), customBinary(own)])
      for (const name of ["json", "messagepack"]) expect(custom.use(name)).toBe(custom);
  },
  custom_json: async () => {
    const own = customJson({
      encodeMessage: ({ line }: { line: string }) => ["s", line],
      decodeMessage: ([kind, line]: string[]) => {
        if (kind !== "s") throw new Error("who says so?");
        return { type: "said", line: line! };
      },
      encodeModel: ({ lines }: { lines: string[] }) => lines,
      decodeModel: (lines) => ({ lines }),
    });
    const { page, clock, server, done } = together({}, own);
    const topic = page().client.topic(chat, "1");
    topic.retain();
    const write = topic.dispatch(said("hello"));
    await clock.advance(20);
    expect(write.state).toBe("applied");
    expect((await done(server.topic(chat, "1").read())).model.lines).toEqual(["hello"]);
    const wrong = { type: "TopicMessage", target: "chat:1", mid: 1, id: "x", settled: 0, messages: [["?"]] };
    expect(() => decode(JSON.stringify(wrong), own)).toThrow(
      expect.objectContaining({ code: "undecodable" }),
    );
  },
  custom_binary: () => {
    const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
    const valueOf = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));
    const own = customBinary({
      encodeMessage: bytesOf,
      decodeMessage: valueOf,
      encodeModel: bytesOf,
      decodeModel: valueOf,
    });
    const frame = {
      type: "TopicMessage",
      target: "chat:1",
      mid: 1,
      id: "x",
      settled: 0,
      messages: [said("a")],
    } as const;
    expect(decode(encode(frame, own), own)).toEqual([frame]);
  },
  registerModule: () => {
    class Point {
      readonly x: number;
      constructor(x: number) {
        this.x = x;
      }
    }
    const point = defineClass("Point", Point, { encode: ({ x }) => x, decode: (x: number) => new Point(x) });
    const trip = (serialiser: Serialiser, message: unknown): unknown => {
      const frame = {
        type: "TopicMessage",
        target: "t",
        mid: 1,
        id: "x",
        settled: 0,
        messages: [message],
      } as const;
      return (decode(encode(frame, serialiser), serialiser)[0] as typeof frame).messages[0];
    };
    const plain = { at: new Date(5), of: new Map([[1n, new Set(["a"])]]), bytes: new Uint8Array([1]) };
    expect(trip(automatic(json()), plain)).toEqual(plain);
    expect(() => trip(automatic(json()), { at: new Point(1) })).toThrow(/register its class/);
    expect(trip(automatic(json()).with({ classes: [point] }), { at: new Point(1) })).toEqual({
      at: new Point(1),
    });
  },
  "encode, decode": () => {
    const serialiser = automatic(json());
    expect(decode(encode([{ type: "Pong" }, { type: "Pong" }], serialiser), serialiser)).toHaveLength(2);
    expect(() => decode("{", serialiser)).toThrow(CallaError);
  },
  Protocol: async () => {
    const seen: ServerFrame[] = [];
    const { server, clock } = together();
    const page = () => {
      const pair = connectionPair(server, {
        serialiser: automatic(json()),
        clock,
        latency: () => 1,
        onAnswered: (frame) => void seen.push(frame),
      });
      return createClient({ wiring, serialiser: automatic(json()), transport: pair.transport, clock });
    };
    const client = page();
    await clock.advance(20);
    seen.length = 0;
    client.topic(chat, "1").dispatch(said("not subscribed"));
    await clock.advance(20);
    expect(seen.map(({ type }) => type)).toEqual(["Acknowledge"]);
    const topic = client.topic(chat, "1");
    topic.retain();
    await clock.advance(20);
    expect(seen.map(({ type }) => type)).toContain("Snapshot");
    seen.length = 0;
    topic.dispatch(said("subscribed"));
    await clock.advance(20);
    expect(seen).toMatchObject([
      { type: "TopicUpdate", records: [expect.anything()], mark: expect.any(Number) },
    ]);
  },
  "server.new, server.start": () => {
    expect(together().server.ready).toBe(true);
    expect(() => createServer({ wiring, serialiser: automatic(json()), origins: 7 as never })).toThrow(
      CallaError,
    );
  },
  "topic.new, with_store": async () => {
    const { server, page, clock, done } = together();
    const { client } = page();
    client.topic(chat, "new").dispatch(said("first"));
    await clock.advance(20);
    const all: string[] = [];
    for await (const { topic } of server.topics("chat:*")) all.push(topic);
    expect(all).toEqual(["chat:new"]);
    expect((await done(server.topic(chat, "new").read())).sequence).toBe(1);
    const made = defineTopic("made", {
      created: "server",
      model: z.null(),
      initial: () => null,
      messages: {},
      update: {},
    });
    expect(made.created).toBe("server");
    expect("model" in typing).toBe(false);
  },
  "server.connect, server.incoming, server.disconnect": async () => {
    const { server, clock } = together();
    const frames: ServerFrame[] = [];
    const closed: string[] = [];
    const { incoming, disconnect } = bound(
      server.connect({
        connection: {
          send: ({ bytes }) => void frames.push(JSON.parse(new TextDecoder().decode(bytes)) as ServerFrame),
          close: (_, reason) => void closed.push(reason),
          bufferedAmount: () => 0,
        },
        request: { url: "/", headers: {}, remoteAddress: undefined },
        format: "json",
      }),
    );
    const hello = { type: "Hello", protocol: PROTOCOL_VERSION, slices: wiring.versions(), targets: [] };
    incoming(JSON.stringify(hello));
    await clock.settle();
    expect(frames).toMatchObject([
      { type: "Connected", clientId: expect.any(String), secret: expect.any(String) },
    ]);
    expect(server.disconnect((frames[0] as { clientId: string }).clientId)).toBe(1);
    expect(closed).toEqual(["disconnected"]);
    disconnect();
  },
  generate_client_id: () => {
    const ids = [generateClientId(), generateClientId()];
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(ids[0]).not.toBe(ids[1]);
  },
  "session store": async () => {
    const { server, page, clock, done } = together();
    const { client, pair } = page();
    await clock.advance(20);
    const { clientId } = client;
    client.session.dispatch({ type: "named", name: "ada" });
    await clock.advance(20);
    pair.cut();
    await clock.advance(10_000);
    expect(client.clientId).toBe(clientId);
    expect(client.session.state.model).toEqual({ name: "ada" });
    expect((await done(server.session(clientId!).read())).model).toEqual({ name: "ada" });
  },
  on_message: async () => {
    const { server, page, clock, done } = together();
    const heard: unknown[] = [];
    server.onMessage((message, { author, clientId, model }) =>
      heard.push([message.type, author?.clientId ?? null, clientId, model.name]),
    );
    const { client } = page();
    await clock.advance(20);
    client.session.dispatch({ type: "named", name: "ada" });
    await clock.advance(20);
    await done(server.dispatchTo(client.clientId!, { type: "greeted" }));
    expect(heard).toEqual([
      ["named", client.clientId, client.clientId, "ada"],
      ["greeted", null, client.clientId, "ada"],
    ]);
  },
  on_topic_message: async () => {
    const { server, page, clock, done } = together();
    const heard: string[][] = [];
    server.onIncoming((message, { topic }) => heard.push(["in", topic, (message as { type: string }).type]));
    server.onTopicMessage((message, { topic, author }) =>
      heard.push(["applied", topic, message.type, author === null ? "server" : "client"]),
    );
    const { client } = page();
    client.topic(typing, "1").retain();
    await clock.advance(20);
    client.topic(chat, "1").dispatch(said("a"));
    client.topic(typing, "1").dispatch({ type: "typed" });
    client.session.dispatch({ type: "named", name: "ada" });
    await clock.advance(20);
    await done(server.topic(chat, "1").dispatch(said("b")));
    expect(heard.filter(([kind]) => kind === "in")).toEqual(
      expect.arrayContaining([
        ["in", "chat:1", "said"],
        ["in", "typing:1", "typed"],
        ["in", "@", "named"],
      ]),
    );
    expect(heard.filter(([kind]) => kind === "in")).toHaveLength(3);
    expect(heard.filter(([kind]) => kind === "applied")).toEqual([
      ["applied", "chat:1", "said", "client"],
      ["applied", "chat:1", "said", "server"],
    ]);
  },
  "topic.dispatch": async () => {
    const { server, done } = together();
    expect(await done(server.topic(chat, "1").dispatch(said("a")))).toEqual({ sequence: 1 });
  },
  "topic.broadcast, Push": async () => {
    const { server, page, clock } = together();
    const topic = page().client.topic(chat, "1");
    const heard: unknown[] = [];
    topic.onPush(({ message }) => heard.push(message));
    await clock.advance(20);
    const before = topic.state;
    server.topic(chat, "1").push(said("psst"));
    server.broadcast(chat, said("all"));
    await clock.advance(20);
    expect(heard).toEqual([said("psst"), said("all")]);
    expect(topic.state).toBe(before);
    page()
      .client.topic(chat, "1")
      .onPush(() => heard.push("replayed"));
    await clock.advance(20);
    expect(heard).toHaveLength(2);
  },
  "server.stop": async () => {
    const { server, page, clock } = together();
    const { client } = page();
    const topic = client.topic(chat, "1");
    topic.retain();
    await clock.advance(20);
    const write = topic.dispatch(said("kept"));
    await clock.advance(20);
    const reasons: string[] = [];
    client.onStatus(({ reason }) => reasons.push(reason));
    const stopped = server.stop();
    await clock.advance(20);
    await stopped;
    expect(write.state).toBe("applied");
    expect(topic.state).toMatchObject({ status: "stale", model: { lines: ["kept"] } });
    expect(reasons).toContain("stopping");
  },
};

/** Methods as functions. */
const bound = <T extends { incoming(data: string): void; disconnect(): void }>(wire: T) => ({
  incoming: (data: string) => wire.incoming(data),
  disconnect: () => wire.disconnect(),
});

describe("docs/from-lily.md", () => {
  test.each(Object.entries(claims))("[LY1] %s", async (_, claim) => {
    await claim();
  });

  test("[LY1] has a row for each of lily's names, and each row a test of its name", async () => {
    const page = await readFile(new URL("../../../../docs/from-lily.md", import.meta.url), "utf8");
    const rows = [...page.matchAll(/^\| (.+?) \| .+ \| .+ \|$/gm)]
      .map(([, first]) => first!.replaceAll("`", ""))
      .filter((first) => first !== "lily" && !first.startsWith("---"));
    expect(rows.toSorted()).toEqual(Object.keys(claims).toSorted());
    const named = new Set(rows.flatMap((row) => row.split(", ")));
    for (const name of LILY) expect(named, name).toContain(name);
  });
});

/** What lily's pages of transports and of the server export, and what they speak of. */
const LILY = [
  ..."automatic custom_binary custom_json decode encode flush_batch_size http http_connect".split(" "),
  ..."reconnect_base_milliseconds reconnect_jitter_ratio reconnect_max_milliseconds".split(" "),
  ..."reconnect_multiplier send close transport.new url_from_current_location use_json".split(" "),
  ..."use_message_pack websocket websocket_connect Connector Handler Protocol registerModule".split(" "),
  ..."server.new server.start server.stop server.connect server.disconnect server.incoming".split(" "),
  ..."generate_client_id on_message on_topic_message topic.new with_store topic.dispatch".split(" "),
  ..."topic.broadcast Push client.start client.connect store.Wiring".split(" "),
];
