// Connecting where it cannot work: what is refused at once, what onError hears and how often, what is printed (CL24, CL25).
import type { ClosingCode } from "@calla/shared";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { CallaError, automatic, defineWiring, json } from "@calla/shared";
import type { Format } from "@calla/shared";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { MockInstance } from "vitest";
import NodeSocket from "ws";
import { VirtualClock, list, setUp, turn } from "../../test/kit.ts";
import { createClient } from "../client.ts";
import { auto } from "../transports/auto.ts";
import { http } from "../transports/http/http.ts";
import type { CloseReason, Transport } from "../transports/transport.ts";
import { webSocket } from "../transports/websocket.ts";
import * as off from "../dev-off/mistakes.ts";
import * as on from "./mistakes.ts";

let printed: MockInstance<typeof console.warn>;
const lines = (): string[] => printed.mock.calls.map(([line]) => String(line));
beforeEach(() => void (printed = vi.spyOn(console, "warn").mockImplementation(() => {})));
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.unstubAllEnvs();
});
const format = json();
const ended = (transport: Transport, preferred: Format = format): Promise<CloseReason> =>
  new Promise((close) => transport.connect({ open: () => {}, receive: () => {}, close }, preferred));

test.each([
  [undefined, /variable is not set/],
  [null, /got null/],
  ["", /empty text/],
  [new URL("ws://a.example/ws"), /got object/],
  ["https://a.example/ws", /write "wss:\/\/a.example\/ws"/],
  ["http://a.example/ws", /write "ws:\/\/a.example\/ws"/],
  ["localhost:3000/ws", /write "ws:\/\/localhost:3000\/ws"/],
  ["ws://exa mple/ws", /no valid url/],
  ["ws://a.example:99999/ws", /no valid url/],
])(
  "[CL25] webSocket({ url: %j }) is refused when it is made, or before the attempt if a function gives it",
  async (url, sentence) => {
    const make = () => webSocket({ url: url as string, WebSocket: NodeSocket });
    expect(make).toThrow(expect.objectContaining({ code: "transport", details: { url } }));
    expect(make).toThrow(sentence);
    const { cause } = await ended(webSocket({ url: () => url as string, WebSocket: NodeSocket }));
    expect((cause as CallaError).message).toMatch(sentence);
  },
);

test.each(["ws://a.example/calla", "a.example:80/calla", undefined, "https://"])(
  "[CL25] http({ url: %j }) is refused likewise",
  async (url) => {
    expect(() => http({ url: url as string })).toThrow(CallaError);
    expect((await ended(http({ url: () => url as string }))).cause).toBeInstanceOf(CallaError);
  },
);

test.each([
  "wss://a.example/ws",
  "ws://[::1]:80/ws",
  "/ws",
  "ws?room=1",
  "//a.example/ws",
  "WSS://a.example",
])(
  "[CL25] %s may be right, and no page or class is asked for before an attempt: servers render pages, too",
  (url) => {
    vi.stubGlobal("WebSocket", undefined);
    expect(() => webSocket({ url })).not.toThrow();
  },
);

test("[CL25] in a build for production no url at all is this attempt's end, and onError's", async () => {
  expect(() => off.checkUrl(undefined, "ws")).not.toThrow();
  vi.stubGlobal("location", { href: "https://app.example/", origin: "https://app.example" });
  const { fromPage } = await import("../transports/page.ts");
  expect(() => fromPage(undefined as never)).toThrow(CallaError);
});

test("[CL16] in a worker made of a blob a relative url is its page's", async () => {
  vi.stubGlobal("location", { href: "blob:https://app.example/0f8a", origin: "https://app.example" });
  const { fromPage } = await import("../transports/page.ts");
  expect([fromPage("/ws").href, fromPage("calla?x=1").href]).toEqual([
    "https://app.example/ws",
    "https://app.example/calla?x=1",
  ]);
});

/** An HTTP server that answers everything so. */
async function answering(status: number, body = ""): Promise<{ port: number; stop(): void }> {
  const server = createServer((_, response) => void response.writeHead(status).end(body));
  server.on("upgrade", (_, socket) =>
    socket.end(`HTTP/1.1 ${status} x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`),
  );
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as AddressInfo).port, stop: () => void server.close() };
}

test.each([
  [404, /no WebSocket endpoint.*"\/ws"/],
  [400, /does not know the format "json"/],
  [403, /createServer\(\{ origins \}\)/],
  [401, /login/],
  [200, /no WebSocket endpoint/],
  [503, undefined],
  [429, undefined],
])("[CL24] [CL57] in Node a WebSocket that is answered %i over HTTP", async (status, sentence) => {
  const { port, stop } = await answering(status);
  const { reason, cause } = await ended(
    webSocket({ url: `ws://127.0.0.1:${port}/x`, WebSocket: NodeSocket }),
  );
  stop();
  expect(reason).toContain(String(status));
  if (sentence === undefined) expect(cause).toBeUndefined();
  else expect((cause as CallaError).message).toMatch(sentence);
});

test.each([
  [404, /"\/calla"/],
  [405, /no Calla endpoint/],
  [415, /the same serialiser/],
  [403, /origins/],
  [200, /no Calla endpoint/],
  [503, undefined],
  [413, undefined],
])("[CL24] [CL57] HTTP that is answered %i", async (status, sentence) => {
  const { port, stop } = await answering(status, "<html>");
  const { cause } = await ended(greeting(http({ url: `http://127.0.0.1:${port}/x` })));
  stop();
  if (sentence === undefined) expect(cause).toBeUndefined();
  else expect((cause as CallaError).message).toMatch(sentence);
});

/** Says Hello as soon as it may. */
const greeting = (inner: Transport): Transport => ({
  ...inner,
  connect(handlers, preferred) {
    const link = inner.connect(
      { ...handlers, open: () => link.send('{"type":"Hello","targets":[]}') },
      preferred,
    );
    return link;
  },
});

test("[CL24] [CL57] nothing listens: both transports say so", async () => {
  const { port, stop } = await answering(404);
  stop();
  const socket = await ended(webSocket({ url: `ws://127.0.0.1:${port}/ws`, WebSocket: NodeSocket }));
  expect(socket.reason).toContain("ECONNREFUSED");
  const post = await ended(greeting(http({ url: `http://127.0.0.1:${port}/calla` })));
  for (const { cause } of [socket, post]) expect((cause as CallaError).message).toMatch(/nothing listens/);
});

const failing = (message: string, code?: string) => ({ message, error: { code } });
test.each([
  [failing("getaddrinfo ENOTFOUND nowhere.invalid", "ENOTFOUND"), /no host of this name/],
  [failing("", "ECONNREFUSED"), /nothing listens/],
  [failing("wrong version number", "EPROTO"), /TLS/],
  [failing("self-signed certificate", "DEPTH_ZERO_SELF_SIGNED_CERT"), /TLS/],
  [failing("Server sent no subprotocol"), /the same serialiser/],
  [failing("getaddrinfo EAI_AGAIN a.example", "EAI_AGAIN"), undefined],
  [failing("connect ETIMEDOUT 10.0.0.1:80", "ETIMEDOUT"), undefined],
  [failing("connect ENETUNREACH 10.0.0.1:80", "ENETUNREACH"), undefined],
  [failing("socket hang up", "ECONNRESET"), undefined],
])("[CL24] [CL57] what is weather, and what is a mistake: %j", (event, sentence) => {
  const cause = on.unreached({}, format, "ws://a.example/ws", event) as CallaError | undefined;
  if (sentence === undefined) expect(cause).toBeUndefined();
  else expect(cause?.message).toMatch(sentence);
  expect(off.unreached({}, format, "", event)).toBeUndefined();
});

test("[CL24] [CL53] who has met the server once is not told of its restarts, but of a node with other formats", () => {
  const transport = {};
  on.reached(transport);
  expect(on.unreached(transport, format, "ws://a.example/ws", failing("", "ECONNREFUSED"))).toBeUndefined();
  expect(on.unanswered(transport, format, "https://a.example/", "HTTP 404", 404)).toBeUndefined();
  for (const { unanswered } of [on, off])
    expect(unanswered(transport, format, "https://a.example/", "HTTP 415", 415)).toMatchObject({
      code: "transport",
      details: { status: 415 },
    });
});

test("[CL24] [CL54] a browser says nothing of why: development prints what it may be, once", () => {
  const [transport, other] = [{}, {}];
  for (let attempt = 0; attempt < 3; attempt++) {
    expect(on.unreached(transport, format, "ws://a.example/ws", undefined)).toBeUndefined();
    expect(on.unreached(transport, format, "ws://a.example/ws", { type: "error" })).toBeUndefined();
  }
  expect(lines()).toEqual([expect.stringMatching(/^calla: No WebSocket to ws:\/\/a.example\/ws.*\/ws/)]);
  expect(on.unanswered(other, format, "https://b.example/calla", "Failed to fetch", 0)).toBeUndefined();
  expect(lines()[1]).toMatch(/createServer\(\{ origins \}\)/);
  vi.stubEnv("NODE_ENV", "production");
  on.unreached({}, format, "ws://a.example/ws", undefined);
  expect(lines()).toHaveLength(2);
});

/** A client whose every attempt ends as the test says. */
function client(ends: () => CloseReason, onError?: (error: unknown) => void) {
  const clock = new VirtualClock();
  let attempts = 0;
  const transport: Transport = {
    reconnect: { baseMilliseconds: 100, maxMilliseconds: 100, multiplier: 1, jitterRatio: 0 },
    connect(handlers) {
      attempts++;
      clock.defer(() => handlers.close(ends()));
      return { send: () => {}, close: () => {} };
    },
  };
  const made = createClient({
    wiring: defineWiring({ topics: [list] }),
    serialiser: automatic(json()),
    transport,
    clock,
    ...(onError && { onError }),
  });
  return { client: made, clock, attempts: () => attempts };
}

test("[CL24] onError hears a mistake once until it changes, and development prints it; status goes on saying it", async () => {
  const heard: unknown[] = [];
  const mistake = (reason: string): CloseReason => ({
    code: 1006,
    reason,
    cause: new CallaError("transport", {}, `mend ${reason}`),
  });
  let now = mistake("a");
  const it = client(
    () => now,
    (error) => heard.push((error as Error).message),
  );
  await it.clock.advance(2_000);
  expect(it.attempts()).toBeGreaterThan(10);
  expect(it.client.status).toMatchObject({ connection: "waiting", reason: "unreachable", text: "a" });
  now = { code: 1006, reason: "weather" };
  await it.clock.advance(1_000);
  now = mistake("a");
  await it.clock.advance(1_000);
  expect(heard).toEqual(["mend a"]);
  now = mistake("b");
  await it.clock.advance(1_000);
  now = mistake("a");
  await it.clock.advance(1_000);
  expect(heard).toEqual(["mend a", "mend b", "mend a"]);
  expect(lines()).toEqual(["calla: mend a", "calla: mend b", "calla: mend a"]);
  await it.client.close();
});

test("[CL24] without onError it is printed once, as an error", async () => {
  const errors = vi.spyOn(console, "error").mockImplementation(() => {});
  const it = client(() => ({ code: 1006, reason: "a", cause: new CallaError("transport", {}, "mend a") }));
  await it.clock.advance(2_000);
  expect([errors.mock.calls.length, lines()]).toEqual([1, []]);
  await it.client.close();
});

test.each(["unauthenticated", "origin", "host", "anything"])(
  "[CL24] [CL12] [CL53] a server that will not have the client back (%s): onError hears it, each time it is asked",
  async (code) => {
    const {
      client: made,
      server,
      errors,
    } = await (async () => {
      const heard: unknown[] = [];
      const setup = setUp({ onError: (error) => void heard.push(error) });
      await turn();
      return { ...setup, errors: heard };
    })();
    for (let time = 1; time <= 2; time++) {
      server.connection.open();
      await turn();
      server.connection.say({ type: "Closing", code: code as ClosingCode, retryable: false, within: 0 });
      await turn();
      expect(errors).toHaveLength(time);
      expect(errors[time - 1]).toMatchObject({
        code: "transport",
        details: { reason: code },
        message: expect.stringContaining(`(${code})`),
      });
      made.connect();
      await turn();
    }
  },
);

test("[AT1] [CL24] [CL54] auto() that goes on over HTTP because of a mistake says so once in development", async () => {
  const half = (reason: CloseReason): Transport => ({
    reconnect: { baseMilliseconds: 1, maxMilliseconds: 1, multiplier: 1, jitterRatio: 0 },
    connect: (handlers) => (
      queueMicrotask(() => handlers.close(reason)),
      { send: () => {}, close: () => {} }
    ),
  });
  const cause = new CallaError("transport", {}, "Mend the path.");
  const transport = auto({
    webSocket: half({ code: 1006, reason: "404", cause }),
    http: half({ code: 1006, reason: "down" }),
    memory: null,
    clock: new VirtualClock(),
  });
  for (let attempt = 0; attempt < 3; attempt++)
    expect(await ended(transport)).toEqual({ code: 1006, reason: "down" });
  expect(lines()).toEqual(["calla: auto() goes on over HTTP. Mend the path."]);
});

test("[CL24] [CL54] what stands for it in a build for production has the same names and no sentence", () => {
  expect(Object.keys(off).toSorted()).toEqual(Object.keys(on).toSorted());
  expect(off.dismissal("origin")).toBeUndefined();
  const report = (): void => {};
  expect(off.audible(report, report)).toBe(report);
});
