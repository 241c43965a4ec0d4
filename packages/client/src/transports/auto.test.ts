// Two transports in the hand: which one is used, and when.
import { json } from "@calla/shared";
import { expect, test } from "vitest";
import { turn, VirtualClock } from "../../test/kit.ts";
import { auto } from "./auto.ts";
import type { AutoOptions } from "./auto.ts";
import type { Transport, TransportHandlers } from "./transport.ts";

const RECONNECT = { baseMilliseconds: 1, maxMilliseconds: 2, multiplier: 2, jitterRatio: 0 };

function setUp(more: Partial<AutoOptions> = {}) {
  const clock = new VirtualClock();
  const stored = new Map<string, string>();
  const memory = {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => void stored.set(key, value),
    removeItem: (key: string) => void stored.delete(key),
  };
  const made: { kind: string; on: TransportHandlers; sent: unknown[]; closed: boolean }[] = [];
  const half = (kind: string): Transport => ({
    reconnect: RECONNECT,
    connect(on) {
      const link = { kind, on, sent: [] as unknown[], closed: false };
      made.push(link);
      return { send: (data) => void link.sent.push(data), close: () => void (link.closed = true) };
    },
  });
  const transport = auto({ webSocket: half("socket"), http: half("http"), clock, memory, ...more });
  const events: unknown[] = [];
  const connect = () =>
    transport.connect(
      {
        open: () => events.push("open"),
        receive: (data) => events.push(data),
        close: (reason) => events.push(reason),
      },
      json(),
    );
  return { clock, stored, made, events, connect, transport, kinds: () => made.map(({ kind }) => kind) };
}
const FAILED = { code: 1006, reason: "" };

test("[AT1] a WebSocket that answers is all there is", async () => {
  const { connect, made, events, clock, stored, kinds, transport } = setUp();
  const link = connect();
  made[0]?.on.open();
  link.send("hello");
  made[0]?.on.receive("connected");
  await clock.advance(600_000);
  made[0]?.on.close({ code: 1001, reason: "bye" });
  expect(events).toEqual(["open", "connected", { code: 1001, reason: "bye" }]);
  expect([kinds(), made[0]?.sent, stored.size, clock.waiting]).toEqual([["socket"], ["hello"], 0, 0]);
  expect(transport.reconnect).toBe(RECONNECT);
});

test.each([
  ["cannot open", (on: TransportHandlers) => on.close(FAILED)],
  ["ends before it answered", (on: TransportHandlers) => (on.open(), on.close(FAILED))],
])("[AT1] a WebSocket that %s: the same attempt goes on over HTTP", (_, fail) => {
  const { connect, made, events, kinds } = setUp();
  const link = connect();
  fail(made[0]!.on);
  expect(kinds()).toEqual(["socket", "http"]);
  events.length = 0;
  made[1]?.on.open();
  link.send("hello");
  made[1]?.on.receive("connected");
  // S22: its late events touch nothing.
  made[0]?.on.open();
  made[0]?.on.close(FAILED);
  expect([events, made[1]?.sent, made[0]?.closed]).toEqual([["open", "connected"], ["hello"], true]);
});

test("[AT1] a WebSocket that is silent after opening, or never opens: HTTP after 3 s", async () => {
  for (const opens of [true, false]) {
    const { connect, made, clock, kinds } = setUp();
    connect();
    if (opens) made[0]?.on.open();
    await clock.advance(2_999);
    expect(kinds()).toEqual(["socket"]);
    await clock.advance(1);
    expect([kinds(), made[0]?.closed]).toEqual([["socket", "http"], true]);
  }
});

test("[AT2] that HTTP was needed is remembered, once it has got through, for a minute and then longer", async () => {
  const { connect, made, clock, stored, kinds, events } = setUp();
  connect();
  made[0]?.on.close(FAILED);
  expect(stored.size).toBe(0);
  made[1]?.on.close(FAILED); // neither gets through: the network is down
  expect([stored.size, events]).toEqual([0, [FAILED]]);
  connect();
  made[2]?.on.close(FAILED);
  made[3]?.on.receive("connected");
  expect([...stored.values()]).toEqual([String(clock.now() + 60_000)]);
  made[3]?.on.close(FAILED);
  const before = made.length;
  connect();
  expect(kinds().slice(before)).toEqual(["http"]);
  made.at(-1)?.on.close(FAILED);
  await clock.advance(60_000);
  connect();
  made.at(-1)?.on.close(FAILED);
  made.at(-1)?.on.receive("connected");
  expect([...stored.values()]).toEqual([String(clock.now() + 120_000)]);
});

test("[AT3] after that a WebSocket is tried beside; as soon as one opens, the connection is left for it", async () => {
  const { connect, made, clock, kinds, events, stored } = setUp();
  connect();
  made[0]?.on.close(FAILED);
  made[1]?.on.receive("connected");
  events.length = 0;
  await clock.advance(60_000);
  expect(kinds()).toEqual(["socket", "http", "socket"]);
  made[2]?.on.close(FAILED);
  await clock.advance(119_999);
  expect(made).toHaveLength(3);
  await clock.advance(1);
  expect(events).toEqual([]); // nobody noticed
  made[3]?.on.open();
  expect([events, made[1]?.closed, made[3]?.closed, stored.size]).toEqual([
    [{ code: 4001, reason: "upgrade" }],
    true,
    true,
    0,
  ]);
  connect();
  expect(kinds().at(-1)).toBe("socket");
});

test("[AT1] S22 after close() nothing is heard, tried or left waiting", async () => {
  for (const stage of [0, 1, 2]) {
    const { connect, made, clock, events } = setUp();
    const link = connect();
    if (stage > 0) made[0]?.on.close(FAILED);
    if (stage > 0) made[1]?.on.receive("connected");
    if (stage > 1) await clock.advance(60_000);
    events.length = 0;
    link.close();
    const before = made.length;
    await clock.advance(600_000);
    for (const { on } of made.slice(2)) on.close(FAILED);
    await clock.advance(600_000);
    expect([events, made.length, clock.waiting, made.every(({ closed }) => closed || stage > 0)]).toEqual([
      [],
      before,
      0,
      true,
    ]);
  }
});

test("[AT2] a session storage that is missing, forbidden or full: remembered in the page alone", async () => {
  const refuse = (): never => {
    throw new Error("SecurityError");
  };
  for (const memory of [null, { getItem: refuse, setItem: refuse, removeItem: refuse }]) {
    const { connect, made, kinds } = setUp({ memory });
    connect();
    made[0]?.on.close(FAILED);
    made[1]?.on.receive("connected");
    made[1]?.on.close(FAILED);
    connect();
    expect(kinds()).toEqual(["socket", "http", "http"]);
    await turn();
  }
});

test("[AT1] [CL12] a WebSocket that says never to retry is not gone round: the client hears of it", () => {
  const { connect, made, events, kinds } = setUp();
  connect();
  made[0]?.on.open();
  made[0]?.on.close({ code: 4002, reason: "origin" });
  expect([kinds(), events]).toEqual([["socket"], ["open", { code: 4002, reason: "origin" }]]);
});

test("[AT3] a try that neither opens nor ends is given up, and another one follows", async () => {
  const { connect, made, clock, kinds } = setUp();
  connect();
  made[0]?.on.close(FAILED);
  made[1]?.on.receive("connected");
  await clock.advance(63_000);
  expect([kinds(), made[2]?.closed]).toEqual([["socket", "http", "socket"], true]);
  made[2]?.on.close(FAILED); // late
  await clock.advance(119_999);
  expect(made).toHaveLength(3);
  await clock.advance(1);
  expect(kinds().at(-1)).toBe("socket");
  made[3]?.on.open();
  expect([made[1]?.closed, made[3]?.closed]).toEqual([true, true]);
});

test("[AT2] what is remembered counts for no longer than it may have been meant (a clock put back, another's note)", async () => {
  const { connect, made, clock, stored, kinds } = setUp();
  stored.set("calla-http-until", String(clock.now() + 1e12));
  connect();
  made[0]?.on.receive("connected");
  await clock.advance(16 * 60_000);
  expect(kinds()).toEqual(["http", "socket"]);
});

test.each([{ silence: Number.NaN }, { silence: 0 }, { retryAfter: Number.NaN }, { retryAfter: 0 }])(
  "[AT2] impossible times are refused: %j",
  (times) => {
    expect(() => setUp(times)).toThrow(expect.objectContaining({ code: "transport" }));
  },
);

test("[AT2] a retryAfter of Infinity: HTTP for good", async () => {
  const { connect, made, clock, kinds } = setUp({ retryAfter: Infinity });
  connect();
  made[0]?.on.close(FAILED);
  made[1]?.on.receive("connected");
  await clock.advance(1e10);
  expect(kinds()).toEqual(["socket", "http"]);
});
