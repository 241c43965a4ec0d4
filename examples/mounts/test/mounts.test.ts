// Each mount on a real port, with real clients over every way there is.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { createClient } from "@calla/client";
import type { Client, Transport } from "@calla/client";
import { auto } from "@calla/client/auto";
import { http } from "@calla/client/http";
import { webSocket } from "@calla/client/websocket";
import type { CallaError } from "@calla/shared";
import express from "express";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { createCalla, mounted } from "../server/calla.ts";
import type { Mounted } from "../server/calla.ts";
import { start as expressStart } from "../server/express.ts";
import { start as fastifyStart } from "../server/fastify.ts";
import { start as honoStart } from "../server/hono.ts";
import { start as nextStart } from "../server/next.ts";
import type { Next } from "../server/next.ts";
import { start as nodeStart } from "../server/node.ts";
import { counter, serialiser, wiring } from "../shared/wiring.ts";

/**
 * As Next 16 is: from the first request on it listens for upgrade requests on the server it was given, or else on the
 * request's own, takes its development server's, and ends each that one of its pages takes. This one has a page for all.
 */
const likeNext: Next = ({ httpServer }) => {
  let listens = false;
  return {
    prepare: () => Promise.resolve(),
    getRequestHandler: () => async (request, response) => {
      if (!listens) {
        listens = true;
        const server = httpServer ?? (request.socket as { readonly server?: unknown }).server;
        server.on("upgrade", async ({ url }: IncomingMessage, socket: Duplex) => {
          await Promise.resolve();
          if (url === "/_next/hmr") socket.end("HTTP/1.1 101 Switching Protocols\r\n\r\n");
          else socket.end();
        });
      }
      if (request.url === "/metrics") response.end(await app!.metrics.metrics());
      else response.end("The app's own page.");
    },
  };
};
const MOUNTS = {
  node: nodeStart,
  express: expressStart,
  fastify: fastifyStart,
  hono: honoStart,
  next: (port: number) => nextStart(port, likeNext),
};
const WAYS = ["streams", "polls", "sockets", "auto"] as const;
/** Impatient, so that a test need not wait. */
const QUICK = { reconnectBaseMilliseconds: 10, reconnectMaxMilliseconds: 50 };

let app: Mounted | undefined;
let clients: Client<typeof wiring>[] = [];
let errors: unknown[] = [];

const base = (): string => `127.0.0.1:${(app!.httpServer.address() as AddressInfo).port}`;
const url = (path: string): string => `http://${base()}${path}`;

function transport(way: (typeof WAYS)[number], fetch?: typeof globalThis.fetch): Transport {
  const requests = http({
    url: url("/calla"),
    pollInterval: 20,
    ...(way === "polls" ? { maxStreams: 0 } : {}),
    ...(fetch === undefined ? {} : { fetch: fetch as never }),
    ...QUICK,
  });
  const sockets = webSocket({ url: `ws://${base()}/ws`, WebSocket, ...QUICK });
  if (way === "sockets") return sockets;
  return way === "auto" ? auto({ webSocket: sockets, http: requests, memory: null }) : requests;
}
function client(way: (typeof WAYS)[number], format: "json" | "messagepack" = "json"): Client<typeof wiring> {
  const made = createClient({
    wiring,
    serialiser: serialiser.use(format),
    transport: transport(way),
    onError: (error: unknown) => errors.push(error),
  });
  clients.push(made);
  return made;
}
const until = (holds: () => unknown) =>
  expect.poll(async () => Boolean(await holds()), { interval: 5, timeout: 10_000 }).toBe(true);

beforeEach(() => {
  clients = [];
  errors = [];
});
afterEach(async () => {
  await Promise.all(clients.map((one) => one.close()));
  await app?.stop();
  app?.httpServer.closeAllConnections();
  app = undefined;
  expect(errors).toEqual([]);
});

describe.each(Object.entries(MOUNTS))("[TC] mounted in %s", (_, start) => {
  beforeEach(async () => {
    app = await start(0);
  });

  test("[TC1] subscribers by stream, poll and socket, in both formats, see one counter", async () => {
    const topics = WAYS.flatMap((way) =>
      (["json", "messagepack"] as const).map((format) => client(way, format).topic(counter, "1")),
    );
    for (const topic of topics) topic.retain();
    for (const [i, topic] of topics.entries())
      await expect(topic.dispatch({ type: "added", by: 1 }).applied).resolves.toEqual(
        expect.objectContaining({ sequence: i + 1 }),
      );
    for (const topic of topics) await until(() => topic.state.model?.count === topics.length);
    // Nothing in front has held a stream back, or polls would have taken its place.
    expect(app!.requests.connections).toBe(2);
  });

  test("[TC3] [TR6] messages of near a megabyte arrive: the limits are ours, not the framework's", async () => {
    for (const way of ["streams", "sockets"] as const) {
      const topic = client(way).topic(counter, way);
      topic.retain();
      const why = "x".repeat(1_000_000);
      const writes = [1, 2, 3].map((by) => topic.dispatch({ type: "added", by, why }).applied);
      await Promise.all(writes);
      await until(() => topic.state.model?.count === 6);
    }
  });

  test.each(["streams", "polls", "sockets"] as const)(
    "[TC6] S4 S5 every connection is cut while %s dispatch: exactly once",
    async (way) => {
      const [mine, theirs] = [client(way).topic(counter, "1"), client("sockets").topic(counter, "1")];
      mine.retain();
      theirs.retain();
      await until(() => mine.state.status === "live" && theirs.state.status === "live");
      const writes = [];
      for (let i = 0; i < 20; i++) {
        writes.push(mine.dispatch({ type: "added", by: 1 }).applied);
        if (i % 5 === 2) {
          await new Promise((resolve) => setImmediate(resolve));
          app!.httpServer.closeAllConnections();
          await until(() => mine.state.status === "live");
        }
      }
      await Promise.all(writes);
      await until(() => mine.state.model?.count === 20 && theirs.state.model?.count === 20);
      expect((await app!.server.topic(counter, "1").read()).model).toEqual({ count: 20 });
      // Nobody has said why connections ended, so what was on its way is doubted (OB20): told, and nothing else.
      expect(errors.filter((error) => (error as CallaError<string>).code !== "transport")).toEqual([]);
      errors = [];
    },
  );

  test("[HT12] a client that leaves is noticed, however it leaves", async () => {
    const [one, other] = [client("streams"), client("streams")];
    one.topic(counter, "1").retain();
    other.topic(counter, "1").retain();
    await until(() => app!.requests.connections === 2);
    await one.close();
    await until(() => app!.requests.connections === 1);
    other.disconnect();
    await until(() => app!.requests.connections === 0);
    await until(() => app!.server.inspect().connections.all === 0);
  });

  test("[HT7] a page of a named origin may ask, one of another may not, and neither may one that hides it", async () => {
    const ask = (origin: string) =>
      fetch(url("/calla"), {
        method: "OPTIONS",
        headers: {
          origin,
          "access-control-request-method": "POST",
          "access-control-request-headers": "content-type",
        },
      });
    const allowed = await ask("https://app.example");
    expect([allowed.status, allowed.headers.get("access-control-allow-origin")]).toEqual([
      204,
      "https://app.example",
    ]);
    expect(allowed.headers.get("access-control-allow-headers")).toContain("content-type");
    expect((await ask("https://evil.example")).status).toBe(403);
    const hidden = await fetch(url("/calla"), {
      method: "POST",
      headers: { "sec-fetch-site": "cross-site", "content-type": "application/calla.json" },
      body: "[]",
    });
    expect([hidden.status, await hidden.json()]).toMatchObject([403, { code: "cross-site" }]);
  });

  test("[HT1] what is not ours is the app's: its page, its own JSON, a path that is nobody's", async () => {
    expect(await (await fetch(url("/"))).text()).toContain("own page");
    const metrics = await (await fetch(url("/metrics"))).text();
    expect(metrics).toContain("calla_connections");
    expect((await fetch(url("/healthz"))).status).toBe(200);
    expect((await fetch(url("/readyz"))).status).toBe(200);
    const wrong = await fetch(url("/calla"), {
      method: "POST",
      body: "{}",
      headers: { "content-type": "application/json" },
    });
    expect(wrong.status).toBe(415);
  });

  test("[CN28] Phoenix clients by WebSocket and by LongPoll are in one room, beside the counter on the same port", async () => {
    const topic = client("sockets").topic(counter, "1");
    topic.retain();
    const heard: unknown[] = [];
    const socket = new WebSocket(`ws://${base()}/socket/websocket?vsn=2.0.0`);
    socket.on("message", (data) => heard.push(JSON.parse(data.toString() as string)));
    await once(socket, "open");
    socket.send(JSON.stringify(["1", "1", "room:lobby", "phx_join", {}]));
    await until(() => heard.length === 1);
    expect(heard[0]).toEqual([
      "1",
      "1",
      "room:lobby",
      "phx_reply",
      { status: "ok", response: { welcome: "lobby" } },
    ]);

    const poll = async (token = ""): Promise<{ status: number; token: string; messages: string[] }> =>
      (await fetch(url(`/socket/longpoll?vsn=2.0.0&token=${encodeURIComponent(token)}`))).json() as never;
    const { status, token } = await poll();
    expect(status).toBe(410);
    const said = await fetch(url(`/socket/longpoll?vsn=2.0.0&token=${encodeURIComponent(token)}`), {
      method: "POST",
      headers: { "content-type": "application/x-ndjson" },
      body: [
        ["1", "1", "room:lobby", "phx_join", {}],
        ["1", "2", "room:lobby", "say", { text: "hello" }],
      ]
        .map((frame) => JSON.stringify(frame))
        .join("\n"),
    });
    expect(await said.json()).toMatchObject({ status: 200 });
    await until(() => heard.length === 2);
    expect(heard[1]).toEqual([null, null, "room:lobby", "said", { text: "hello" }]);
    const polled: unknown[] = [];
    while (polled.length < 3) polled.push(...(await poll(token)).messages.map((frame) => JSON.parse(frame)));
    expect(polled).toContainEqual([null, null, "room:lobby", "said", { text: "hello" }]);
    expect(polled).toContainEqual([
      "1",
      "2",
      "room:lobby",
      "phx_reply",
      { status: "ok", response: { heard: 5 } },
    ]);

    expect(app!.socket.connections).toBe(2);
    await topic.dispatch({ type: "added", by: 1 }).applied;
    const closed = once(socket, "close");
    await app!.stop();
    expect((await closed)[0]).toBe(1012);
    expect(app!.socket.connections).toBe(0);
    app!.httpServer.closeAllConnections();
    app = undefined;
  });

  test("[DR] a deploy: not ready from the first moment, clients told and gone, nothing left open", async () => {
    const writes = await Promise.all(
      (["streams", "polls", "sockets"] as const).map((way) => {
        const topic = client(way).topic(counter, "1");
        topic.retain();
        return topic.dispatch({ type: "added", by: 1 }).applied;
      }),
    );
    expect(writes).toHaveLength(3);
    const { httpServer, requests, server } = app!;
    const stopped = app!.stop();
    expect(server.ready).toBe(false);
    await stopped;
    app = undefined;
    expect(requests.connections).toBe(0);
    expect(server.inspect().connections.all).toBe(0);
    httpServer.closeAllConnections();
  });
});

describe("[HT1] Express with a body parser that takes everything", () => {
  const behind = async (parser: express.RequestHandler): Promise<void> => {
    const calla = createCalla();
    const own = express();
    own.use(parser);
    own.use(calla.requests.node);
    const httpServer = await new Promise<Mounted["httpServer"]>((resolve) => {
      const listening = own.listen(0, () => resolve(listening));
    });
    app = mounted(calla, httpServer);
  };

  test.each([
    {
      name: "raw",
      parser: express.raw({ type: () => true, limit: "2mb" }),
      formats: ["json", "messagepack"] as const,
    },
    { name: "text", parser: express.text({ type: () => true, limit: "2mb" }), formats: ["json"] as const },
  ])("$name: its bytes are as good", async ({ parser, formats }) => {
    await behind(parser);
    for (const format of formats) {
      const topic = client("streams", format).topic(counter, "1");
      topic.retain();
      expect(await topic.dispatch({ type: "added", by: 1 }).applied).toMatchObject({ messages: [{ by: 1 }] });
    }
  });

  test("json: it is said what to do", async () => {
    await behind(express.json({ type: () => true }));
    const answer = await fetch(url("/calla"), {
      method: "POST",
      headers: { "content-type": "application/calla.json" },
      body: '{"type":"Hello"}',
    });
    expect([answer.status, await answer.json()]).toMatchObject([500, { code: "body-read" }]);
  });
});

describe("[CF6] mounted in Next", () => {
  /** The first line of the answer to an upgrade request; "" where its connection just ends. */
  const upgraded = (path: string): Promise<string> =>
    new Promise((resolve) => {
      let answer = "";
      const { port } = app!.httpServer.address() as AddressInfo;
      const socket = connect(port, "127.0.0.1", () =>
        socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`),
      );
      socket.on("data", (data) => (answer += data.toString()));
      socket.on("close", () => resolve(answer.split("\r\n", 1)[0]!));
      socket.on("error", () => undefined);
    });

  test("its pages end no WebSocket of Calla's, and its development server gets its own", async () => {
    app = await nextStart(0, likeNext);
    // Nobody of Next's listens before its first request.
    expect(await upgraded("/_next/hmr")).toBe("");
    expect(await (await fetch(url("/"))).text()).toContain("own page");
    expect(await upgraded("/_next/hmr")).toBe("HTTP/1.1 101 Switching Protocols");
    expect(await upgraded("/nobody")).toBe("");
    const socket = new WebSocket(`ws://${base()}/socket/websocket?vsn=2.0.0`);
    await once(socket, "open");
    socket.send('["1","1","room:lobby","phx_join",{}]');
    const [joined] = (await once(socket, "message")) as [Buffer];
    expect(joined.toString()).toContain('"welcome":"lobby"');
    const topic = client("sockets").topic(counter, "1");
    topic.retain();
    await topic.dispatch({ type: "added", by: 1 }).applied;
    expect(socket.readyState).toBe(WebSocket.OPEN);
    socket.terminate();
  });
});

test("[CF6] what docs/mounting.md prints stands in the mounts", async () => {
  const root = new URL("../../../", import.meta.url);
  const page = await readFile(new URL("docs/mounting.md", root), "utf8");
  const blocks = [...page.matchAll(/```ts\n[/]{2} (\S+)\n([\s\S]*?)```/g)];
  expect(blocks.map(([, file]) => file)).toEqual(
    ["calla", "express", "fastify", "hono", "next"].map((name) => `examples/mounts/server/${name}.ts`),
  );
  for (const [, file, block] of blocks) {
    const source = (await readFile(new URL(file!, root), "utf8")).split("\n").map((line) => line.trim());
    const lines = block!.split("\n").map((line) => line.trim());
    const missing = lines.filter((line) => line !== "" && !line.startsWith("//") && !source.includes(line));
    expect(missing, file).toEqual([]);
  }
});
