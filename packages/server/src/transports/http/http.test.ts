// Over real sockets on loopback and over web requests, with a server object that only notes what it is told.
import { once } from "node:events";
import { createServer, request as nodeRequest } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { connect as connectTcp } from "node:net";
import type { Cancel, Clock } from "@calla/shared";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Connection, ConnectRequest, WireFrame } from "../../base/connection.ts";
import { http } from "./http.ts";
import type { HttpHost, HttpOptions, HttpRefusal, HttpTransport } from "./http.ts";

interface Seen {
  readonly how: "connect" | "speak";
  readonly connection: Connection;
  readonly request: ConnectRequest;
  readonly format: string;
  readonly incoming: (string | Uint8Array)[];
  readonly ends: (readonly [number | undefined, string | undefined])[];
  drains: number;
}

let node: Server;
let transport: HttpTransport;
let seen: Seen[];
let refused: HttpRefusal[];

const host = (more: Partial<HttpHost> = {}): HttpHost => {
  const note = (how: Seen["how"], given: Pick<Seen, "connection" | "request" | "format">): Seen => {
    const one: Seen = { how, ...given, incoming: [], ends: [], drains: 0 };
    seen.push(one);
    return one;
  };
  return {
    connect(given) {
      const one = note("connect", given);
      return {
        incoming: (data) => void one.incoming.push(data),
        disconnect: (code, reason) => void one.ends.push([code, reason]),
        drained: () => void one.drains++,
      };
    },
    speak({ data, ...given }) {
      const one = note("speak", given);
      one.incoming.push(data);
      return () => void one.ends.push([undefined, "gone"]);
    },
    allowsOrigin: ({ headers }) =>
      headers["origin"] === undefined || headers["origin"] === "https://app.example",
    limits: { maxFrameBytes: 100_000, helloTimeout: 1_000 },
    serialiser: {
      formats: [
        { name: "json", binary: false },
        { name: "messagepack", binary: true },
      ],
    },
    refused: (refusal) => void refused.push(refusal),
    ...more,
  };
};

async function serve(more: Partial<HttpHost> = {}, options: HttpOptions = {}): Promise<void> {
  transport = http(host(more), options);
  node = createServer(transport.node);
  node.listen(0, "127.0.0.1");
  await once(node, "listening");
}
const port = (): number => (node.address() as AddressInfo).port;
const url = (path = "/calla"): string => `http://127.0.0.1:${port()}${path}`;

const STREAM = { "content-type": "application/calla.json", accept: "text/event-stream" };
const POST = { "content-type": "application/calla.json" };
const post = (headers: Record<string, string>, body: string | Uint8Array = "hello"): RequestInit => ({
  method: "POST",
  headers,
  body: body as string,
});
const text = (content: string): WireFrame => ({ bytes: Buffer.from(content), text: true });
const until = (holds: () => unknown) =>
  expect.poll(() => Boolean(holds()), { interval: 2, timeout: 5_000 }).toBe(true);

beforeEach(() => {
  seen = [];
  refused = [];
});
afterEach(async () => {
  await transport.close();
  node.closeAllConnections();
  node.close();
});

/** Both ways in: Node's own, and web requests. */
const WAYS = {
  node: (path: string, init: RequestInit) => fetch(url(path), init),
  web: (path: string, init: RequestInit) =>
    transport.fetch(new Request(url(path), { ...init, duplex: "half" } as RequestInit), "10.0.0.1"),
};

describe.each(Object.keys(WAYS) as (keyof typeof WAYS)[])("%s", (way) => {
  const ask = (init: RequestInit, path = "/calla") => WAYS[way](path, init);

  test("[HT2] a POST that accepts an event stream is a connection; its body is the first packet", async () => {
    await serve();
    const response = await ask(post(STREAM, "hélló"));
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store, no-transform",
      "x-accel-buffering": "no",
      "x-content-type-options": "nosniff",
      vary: "Origin",
    });
    const [one] = seen;
    expect(one).toMatchObject({
      how: "connect",
      format: "json",
      incoming: ["hélló"],
      request: { url: "/calla" },
    });
    expect(one?.request.remoteAddress).toBe(way === "web" ? "10.0.0.1" : "127.0.0.1");
    one?.connection.send(text('{"n":1}'));
    one?.connection.send(text('{"n":2}'));
    one?.connection.close(4001, "bye");
    expect(await response.text()).toBe('data: {"n":1}\n\ndata: {"n":2}\n\n');
    expect(one?.ends).toEqual([[4001, "bye"]]);
    expect(transport.connections).toBe(0);
  });

  test("[HT2] any other POST is a packet that speaks for itself; bytes come as bytes and leave as base64", async () => {
    await serve();
    const asking = ask(
      post({ "content-type": "Application/Calla.MessagePack; x=1" }, new Uint8Array([0, 255, 10])),
    );
    await until(() => seen.length === 1);
    const [one] = seen;
    expect(one).toMatchObject({ how: "speak", format: "messagepack" });
    expect(Array.from((one?.incoming[0] ?? []) as Uint8Array)).toEqual([0, 255, 10]);
    one?.connection.send({ bytes: new Uint8Array([1, 2, 255]), text: false });
    one?.connection.close(1000, "");
    expect(await (await asking).text()).toBe("data: AQL/\n\n");
  });

  test("[HT1] S17 another origin, a forged request and a wrong method or type are refused, recorded, and never heard", async () => {
    await serve();
    const asked: [RequestInit, number, string][] = [
      [post({ ...STREAM, origin: "https://evil.example" }), 403, "origin"],
      [post({ ...STREAM, origin: "null" }), 403, "origin"],
      [post({ "content-type": "text/plain" }), 415, "format"],
      [post({ "content-type": "application/json" }), 415, "format"],
      [post({ "content-type": "application/x-www-form-urlencoded" }), 415, "format"],
      [post({ ...POST, "content-encoding": "gzip" }), 415, "format"],
      [{ method: "GET", headers: STREAM }, 405, "method"],
      [{ method: "DELETE" }, 405, "method"],
    ];
    for (const [init, status, code] of asked) {
      const response = await ask(init);
      expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([status, code]);
      expect(response.headers.get("access-control-allow-origin")).toBeNull();
    }
    expect(refused.map(({ reason }) => reason)).toEqual(asked.map(([, , code]) => code));
    expect(refused[0]).toMatchObject({
      status: 403,
      request: { headers: { origin: "https://evil.example" } },
    });
    expect(seen).toEqual([]);
  });

  test("[HT7] an allowed page of another origin may read the answer, and its browser may ask before", async () => {
    await serve({}, { credentials: true });
    const origin = "https://app.example";
    const asked = await ask({
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
      },
    });
    expect([asked.status, await asked.text()]).toEqual([204, ""]);
    expect(Object.fromEntries(asked.headers)).toMatchObject({
      "access-control-allow-origin": origin,
      "access-control-allow-credentials": "true",
      "access-control-allow-methods": "POST",
      "access-control-allow-headers": "content-type, accept",
      "access-control-max-age": "600",
    });
    const response = await ask(post({ ...STREAM, origin }));
    expect(response.headers.get("access-control-allow-origin")).toBe(origin);
    await response.body?.cancel();
    const refusedPreflight = await ask({ method: "OPTIONS", headers: { origin: "https://evil.example" } });
    expect([refusedPreflight.status, refusedPreflight.headers.get("access-control-allow-origin")]).toEqual([
      403,
      null,
    ]);
  });

  test("[HT1] [HT14] a body over the limit gets 413 with the limit, announced or not", async () => {
    await serve({ limits: { maxFrameBytes: 1_000, helloTimeout: 1_000 } });
    const announced = await ask(post(POST, "x".repeat(1_000 + 65_536 + 1)));
    expect([announced.status, await announced.json()]).toMatchObject([
      413,
      { code: "too-large", maxBytes: 66_536 },
    ]);
    const streamed = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 10; i++) controller.enqueue(new Uint8Array(10_000));
        controller.close();
      },
    });
    const unannounced = await ask({ ...post(POST), body: streamed, duplex: "half" } as RequestInit);
    expect(unannounced.status).toBe(413);
    void ask(post(POST, "x".repeat(1_000 + 65_536))).catch(() => undefined);
    await until(() => seen.length === 1);
    expect(refused.map(({ reason }) => reason)).toEqual(["too-large", "too-large"]);
    seen[0]?.connection.close(1000, "");
  });

  test("[HT12] the end of who goes away is reported once, and nothing is written to it any more", async () => {
    await serve();
    const aborting = new AbortController();
    const response = await ask({ ...post(STREAM), signal: aborting.signal });
    expect(transport.connections).toBe(1);
    aborting.abort();
    await response.text().catch(() => "");
    await until(() => seen[0]?.ends.length === 1);
    seen[0]?.connection.send(text("late"));
    seen[0]?.connection.close(4001, "late");
    expect([seen[0]?.ends.length, transport.connections]).toEqual([1, 0]);
  });

  test("[HT12] S24 one that does not read: what waits is counted, and drained is called", async () => {
    await serve();
    const response = await ask(post(STREAM));
    const one = seen[0]!;
    const big = text("x".repeat(1_000_000));
    for (let i = 0; i < 12; i++) one.connection.send(big);
    expect(one.connection.bufferedAmount()).toBeGreaterThan(11_000_000);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(one.connection.bufferedAmount()).toBeGreaterThan(1_000_000);
    const before = one.drains;
    let read = 0;
    const reader = response.body!.getReader();
    while (read < 12_000_000) read += (await reader.read()).value?.length ?? 0;
    await until(() => one.drains > before && one.connection.bufferedAmount() === 0);
    await reader.cancel();
    await until(() => one.ends.length === 1);
  });

  test("[HT1] [HT15] a closed transport takes nothing and has ended everything", async () => {
    await serve();
    const response = await ask(post(STREAM));
    await transport.close();
    expect(await response.text()).toBe("");
    expect(seen[0]?.ends).toEqual([[1001, "closing"]]);
    expect((await ask(post(STREAM))).status).toBe(503);
  });

  test("[HT1] [HT15] what the server throws costs that request and is recorded", async () => {
    const error = new Error("thrown");
    await serve({
      connect() {
        throw error;
      },
    });
    expect(await (await ask(post(STREAM))).text()).toBe("");
    expect(refused).toMatchObject([{ reason: "failed", error }]);
    await transport.close();
    node.close();
    await serve({
      allowsOrigin() {
        throw error;
      },
    });
    expect((await ask(post(STREAM))).status).toBe(500);
  });

  test("[HT1] [HT15] other paths are not taken; the query does not count", async () => {
    await serve();
    expect((await ask(post(STREAM), "/other")).status).toBe(404);
    const response = await ask(post(STREAM), "/calla?x=1");
    expect(response.status).toBe(200);
    await response.body?.cancel();
  });
});

test("[HT1] Node: another path goes to the next handler, and nothing is done to it", async () => {
  await serve();
  const next = vi.fn();
  transport.node(
    { method: "GET", url: "/app", headers: {}, socket: {} } as IncomingMessage,
    {} as never,
    next,
  );
  expect(next).toHaveBeenCalledOnce();
});

test("[HT1] S17 a browser that says another site asks, without saying which, is refused", async () => {
  await serve();
  for (const [site, status] of [
    ["cross-site", 403],
    ["same-site", 403],
    ["same-origin", 200],
    ["none", 200],
  ] as const) {
    // fetch itself would not let the header through.
    const asking = nodeRequest(url(), { method: "POST", headers: { ...STREAM, "sec-fetch-site": site } });
    asking.end("hello");
    const [response] = (await once(asking, "response")) as [IncomingMessage];
    expect([site, response.statusCode]).toEqual([site, status]);
    response.destroy();
  }
  expect(refused.map(({ reason }) => reason)).toEqual(["cross-site", "cross-site"]);
});

/** Time in the hand, with what is set. */
function handClock() {
  const timers = new Map<object, () => void>();
  const clock: Clock = {
    now: () => 0,
    setTimeout(run): Cancel {
      const key = {};
      timers.set(key, run);
      return () => void timers.delete(key);
    },
    defer: (run) => queueMicrotask(run),
  };
  return {
    clock,
    /** Timers that are set. */
    pending: () => timers.size,
    fire() {
      const due = [...timers];
      for (const [key, run] of due) {
        timers.delete(key);
        run();
      }
    },
  };
}

test("[HT1] [HT14] a body that does not come in time gets 408", async () => {
  const { clock, fire, pending } = handClock();
  await serve({}, { clock });
  const idle = pending();
  const socket = connectTcp(port(), "127.0.0.1");
  socket.write(
    "POST /calla HTTP/1.1\r\nHost: x\r\nContent-Type: application/calla.json\r\nContent-Length: 10\r\n\r\nhel",
  );
  await until(() => pending() > idle); // it waits for the body
  fire();
  const [data] = (await once(socket, "data")) as [Buffer];
  expect(String(data)).toMatch(/^HTTP\/1\.1 408 /);
  expect(refused).toMatchObject([{ reason: "too-slow" }]);
  socket.destroy();
});

test("[HT3] S23 a silent stream gets comments, one that does not read gets none", async () => {
  const { clock, fire } = handClock();
  await serve({}, { clock, heartbeat: 1_000 });
  const response = await fetch(url(), post(STREAM));
  const reader = response.body!.getReader();
  fire();
  expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe(":\n\n");
  const one = seen[0]!;
  for (let i = 0; i < 12; i++) one.connection.send(text("x".repeat(1_000_000)));
  await new Promise((resolve) => setTimeout(resolve, 50));
  const waiting = one.connection.bufferedAmount();
  for (let i = 0; i < 100; i++) fire();
  expect(one.connection.bufferedAmount()).toBeLessThanOrEqual(waiting);
  await reader.cancel();
});

test("[HT3] a frame for many is framed once, also a frozen one; line breaks stay within the event", async () => {
  await serve();
  const responses = await Promise.all([fetch(url(), post(STREAM)), fetch(url(), post(STREAM))]);
  await until(() => seen.length === 2);
  const shared = text('{"all":1}');
  for (const { connection } of seen) {
    connection.send(shared);
    connection.send(Object.freeze(text("{\r\n}")));
    connection.close(1000, "");
  }
  for (const response of responses)
    expect(await response.text()).toBe('data: {"all":1}\n\ndata: {\ndata: }\n\n');
});

test("[HT3] what one step of the event loop hands over leaves in one write", async () => {
  await serve();
  const response = await fetch(url(), post(STREAM));
  const reader = response.body!.getReader();
  for (let i = 0; i < 5; i++) seen[0]?.connection.send(text(`${i}`));
  await Promise.resolve();
  seen[0]?.connection.send(text("5"));
  const { value } = await reader.read();
  expect(Buffer.from(value ?? []).toString()).toBe([0, 1, 2, 3, 4, 5].map((i) => `data: ${i}\n\n`).join(""));
  await reader.cancel();
});

describe("[HT1] [HT14] a body parser stands in front", () => {
  const parsed = async (body: unknown, headers = POST): Promise<Response> => {
    transport = http(host());
    node = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        Object.assign(request, { body: body === undefined ? Buffer.concat(chunks) : body });
        transport.node(request, response);
      });
    });
    node.listen(0, "127.0.0.1");
    await once(node, "listening");
    return fetch(url(), post(headers, "what was said"));
  };

  test("that keeps its bytes or its text: they are taken", async () => {
    for (const body of [undefined, "what was said"]) {
      const answer = parsed(body);
      await until(() => seen.length > 0);
      expect(seen.map(({ incoming }) => incoming)).toEqual([["what was said"]]);
      seen[0]!.connection.close(1000, "");
      expect((await answer).status).toBe(200);
      seen = [];
      await transport.close();
      node.closeAllConnections();
      node.close();
    }
    await serve();
  });

  test("that keeps something else, or nothing: 500 with what to do, recorded", async () => {
    const answer = await parsed({ hello: "there" });
    expect(answer.status).toBe(500);
    expect(await answer.json()).toMatchObject({
      code: "body-read",
      text: expect.stringContaining("before it"),
    });
    expect([seen, refused.map(({ reason }) => reason)]).toEqual([[], ["body-read"]]);
  });

  test("that has made text of bytes: it is not taken for them", async () => {
    const answer = await parsed("what was said", { "content-type": "application/calla.messagepack" });
    expect([answer.status, refused.map(({ reason }) => reason)]).toEqual([500, ["body-read"]]);
  });

  test("of web requests: the same", async () => {
    await serve();
    const request = new Request(url(), post(POST));
    await request.text();
    expect((await transport.fetch(request)).status).toBe(500);
    expect(refused.map(({ reason }) => reason)).toEqual(["body-read"]);
  });
});

test("[HT1] [HT8] [HT14] S26 a body that breaks off is not too large: who hears of it may send it again", async () => {
  await serve();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(Buffer.from("hel"));
      controller.error(new Error("cut"));
    },
  });
  const request = new Request(url(), { method: "POST", headers: POST, body, duplex: "half" } as RequestInit);
  expect((await transport.fetch(request)).status).toBe(408);
  expect([seen, refused.map(({ reason }) => reason)]).toEqual([[], ["aborted"]]);
});

test("[HT2] Node: the answers of a POST leave in one write, with their length, when all are there", async () => {
  await serve();
  const socket = connectTcp(port(), "127.0.0.1");
  const parts: string[] = [];
  socket.on("data", (data) => parts.push(String(data)));
  const head = "POST /calla HTTP/1.1\r\nHost: x\r\nContent-Type: application/calla.json";
  socket.write(`${head}\r\nContent-Length: 5\r\n\r\nhello`);
  await until(() => seen.length === 1);
  const { connection } = seen[0]!;
  connection.send(text("1"));
  await new Promise((resolve) => setTimeout(resolve, 20));
  connection.send(text("2"));
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(parts).toEqual([]);
  expect(connection.bufferedAmount()).toBe(2 * "data: 1\n\n".length);
  connection.close(1000, "");
  expect(connection.bufferedAmount()).toBe(0);
  await until(() => parts.length > 0);
  expect(parts).toHaveLength(1);
  expect(parts[0]).toMatch(/^HTTP\/1\.1 200 [^]*content-length: 18\r\n[^]*\r\n\r\ndata: 1\n\ndata: 2\n\n$/i);
  socket.destroy();
});

test("[HT1] Node: a body that something else has read and not kept is not waited for", async () => {
  await serve();
  node.removeAllListeners("request");
  node.on("request", (request: IncomingMessage, response: ServerResponse) =>
    request.resume().on("end", () => setImmediate(() => transport.node(request, response))),
  );
  expect((await fetch(url(), post(POST))).status).toBe(500);
  expect([seen, refused.map(({ reason }) => reason)]).toEqual([[], ["body-read"]]);
});

test("[HT1] Node: one that goes away while it still speaks is nobody", async () => {
  await serve();
  const socket = connectTcp(port(), "127.0.0.1");
  socket.write(
    "POST /calla HTTP/1.1\r\nHost: x\r\nContent-Type: application/calla.json\r\nContent-Length: 10\r\n\r\nhel",
  );
  await new Promise((resolve) => setTimeout(resolve, 20));
  socket.destroy();
  await until(() => refused.length === 1);
  expect(seen).toEqual([]);
});
