// What the connection makes of packets, and of what comes in while it ends: against a transport of which the test says
// every event. Attempts, silence and the server's last words over many connections: test/conversation.test.ts.
import { automatic, json } from "@calla/shared";
import type { ClientFrame, Serialiser, ServerFrame } from "@calla/shared";
import { messagePack } from "@calla/shared/messagepack";
import { expect, test } from "vitest";
import { testCore } from "../../test/core.ts";
import { connectedAs, items, settledFrame, snapshotFrame, turn, updateFrame } from "../../test/kit.ts";
import type { Core } from "../engine/records.ts";
import { retain } from "../engine/subscriptions.ts";
import { targetOf } from "../engine/targets.ts";
import type { TransportHandlers } from "../transports/transport.ts";
import { createConnection } from "./connection.ts";
import type { ConnectionOptions } from "./connection.ts";

type Frame = ClientFrame | ServerFrame | { readonly [field: string]: unknown };

function setUp(serialiser: Serialiser = automatic(json()), options: Partial<ConnectionOptions> = {}) {
  const [format] = serialiser.formats;
  const { core, clock, errors } = testCore({ serialiser });
  core.open = false;
  const packets: Frame[][] = [];
  let handlers!: TransportHandlers;
  let attempts = 0;
  const connection = createConnection(core, {
    transport: {
      reconnect: { baseMilliseconds: 1_000, maxMilliseconds: 30_000, multiplier: 2, jitterRatio: 0 },
      connect(on) {
        attempts++;
        handlers = on;
        return {
          send: (data) => void packets.push([format!.decode(data) as Frame | Frame[]].flat() as Frame[]),
          close: () => {},
        };
      },
    },
    heartbeat: 25_000,
    heartbeatTimeout: 10_000,
    connectTimeout: 10_000,
    token: undefined,
    onConnect: undefined,
    onReconnect: undefined,
    onDisconnect: undefined,
    mistaken: (error) => void errors.push(error),
    ...options,
  });
  const say = (...frames: Frame[]): void =>
    void handlers.receive(format!.encode(frames.length === 1 ? frames[0] : frames));
  const one = targetOf(core, "list:1");
  retain(core, one);
  return {
    core,
    clock,
    errors,
    connection,
    packets,
    say,
    model: () => one.replica.confirmed?.model,
    get attempts() {
      return attempts;
    },
    /** Lets it in, and answers its subscription as far as a snapshot is announced. */
    async letIn(): Promise<void> {
      connection.start();
      for (let i = 0; i < 60 && core.connection !== "connecting"; i++) await clock.advance(500);
      await turn();
      handlers.open();
      say(connectedAs("c1"), settledFrame("list:1", one.subscription.ref, { sequence: 1 }));
      await turn();
    },
  };
}

const FORMATS = [json(), messagePack()].map((format) => [format.name, automatic(format)] as const);

/** A snapshot of list:1 in three parts. */
function inParts(serialiser: Serialiser, model: unknown): Frame[] {
  const whole = serialiser.formats[0]!.encode(model);
  const third = Math.ceil(whole.length / 3);
  const { model: _, ...head } = snapshotFrame("list:1", 1, 10, undefined);
  return [0, 1, 2].map((part) => ({
    ...head,
    part,
    parts: 3,
    chunk: whole.slice(part * third, (part + 1) * third),
  }));
}

test.each(FORMATS)(
  "[CL5] the parts of a snapshot are taken in their order alone, each once, and the next snapshot begins anew: %s",
  async (_, serialiser) => {
    const parts = inParts(serialiser, items("a", "b"));
    for (const [order, taken] of [
      [[0, 1, 2], true],
      [[1], false],
      [[0, 2], false],
      [[0, 1, 1], false],
      [[2, 1, 0], false],
      // One that was broken off, and then the whole of another one.
      [[0, 1, 0, 1, 2], true],
    ] as const) {
      const it = setUp(serialiser);
      await it.letIn();
      for (const part of order) it.say(parts[part]!);
      expect([order, it.model(), it.core.connection]).toEqual([
        order,
        taken ? items("a", "b") : undefined,
        taken ? "open" : "waiting",
      ]);
      expect(it.errors).toMatchObject(taken ? [] : [{ code: "undecodable" }]);
    }
  },
);

test("[CL5] parts of a snapshot that a connection has left are none of the next one's", async () => {
  const serialiser = automatic(json());
  const parts = inParts(serialiser, items("a"));
  const it = setUp(serialiser);
  await it.letIn();
  it.say(parts[0]!);
  it.say({ type: "Closing", code: "stopping", retryable: true, within: 0 });
  await it.letIn();
  it.say(parts[1]!);
  expect([it.core.connection, it.core.reason, it.model()]).toEqual(["waiting", "unreadable", undefined]);
});

test("[CL48] S29 of a packet with a bad frame nothing is taken, wherever it stands, and nothing after what has ended the attempt", async () => {
  const good = snapshotFrame("list:1", 1, 10, items("a"));
  for (const bad of [
    { type: "Pongo" },
    { ...good, mark: -1 },
    null,
    [good],
    { ...good, model: { $: "nothing" } },
  ]) {
    for (const packet of [
      [good, bad],
      [bad, good],
    ]) {
      const it = setUp();
      await it.letIn();
      it.say(...(packet as Frame[]));
      expect([it.model(), it.core.connection, it.core.reason]).toEqual([undefined, "waiting", "unreadable"]);
      expect(it.errors).toHaveLength(1);
    }
  }
  const it = setUp();
  await it.letIn();
  it.say({ type: "Closing", code: "stopping", retryable: true, within: 0 }, good);
  expect([it.model(), it.core.connection, it.core.reason]).toEqual([undefined, "waiting", "stopping"]);
});

test("[OB13] what is above 64 KB goes in pieces, in order, down to a frame or a cursor each", async () => {
  const it = setUp();
  await it.letIn();
  it.packets.length = 0;
  const long = (mid: number, length: number): ClientFrame => ({
    type: "TopicMessage",
    target: "list:1",
    mid,
    id: `m${mid}`,
    settled: 0,
    messages: [{ type: "added", text: "x".repeat(length) }],
  });
  it.connection.send([1, 2, 3, 4, 5].map((mid) => long(mid, 20_000)));
  expect(it.packets.map((frames) => frames.map((frame) => (frame as { mid: number }).mid))).toEqual([
    [1, 2],
    [3, 4, 5],
  ]);
  it.packets.length = 0;
  it.connection.send([long(6, 100_000)]);
  const cursors = Array.from({ length: 4_000 }, (_, i) => [`list:${i}`, 1, 4_000_000_000] as const);
  it.connection.send([{ type: "Ping", cursors }]);
  expect(it.packets.map(([frame]) => (frame as { type: string }).type)).toEqual([
    "TopicMessage",
    "Ping",
    "Ping",
  ]);
  expect(it.packets.slice(1).flatMap(([frame]) => (frame as { cursors: unknown[] }).cursors)).toEqual(
    cursors.map((cursor) => [...cursor]),
  );
});

test("nothing is sent before the server has let the client in, nor after it has left", async () => {
  const it = setUp();
  it.connection.send([{ type: "Ping", cursors: [] }]);
  await it.letIn();
  it.packets.length = 0;
  it.connection.send([]);
  it.connection.stop("offline");
  it.connection.send([{ type: "Ping", cursors: [] }]);
  await it.clock.advance(120_000);
  expect([it.packets, it.core.open, it.core.connection, it.attempts]).toEqual([[], false, "offline", 1]);
});

test("an app that disconnects in onConnect is offline, and is let in again as one that comes back", async () => {
  const heard: string[] = [];
  const it = setUp(undefined, {
    onConnect() {
      heard.push("connect");
      it.connection.stop("offline");
    },
    onReconnect: () => void heard.push("reconnect"),
    onDisconnect: ({ reason }) => void heard.push(reason),
  });
  await it.letIn();
  expect([it.core.connection, it.core.open, heard]).toEqual(["offline", false, ["connect", "offline"]]);
  await it.clock.advance(120_000);
  expect(it.attempts).toBe(1);
  await it.letIn();
  expect([it.core.connection, heard]).toEqual(["open", ["connect", "offline", "reconnect"]]);
});

test("[CO10] what the serialiser takes with a raised maxDepth, a client reads from the wire", async () => {
  const nested = (levels: number): unknown => {
    let value: unknown = [];
    for (let i = 1; i < levels; i++) value = [value];
    return value;
  };
  for (const [, automaticOf] of FORMATS) {
    const serialiser = automaticOf.with({ maxDepth: 300 });
    for (const [levels, read] of [
      [290, true],
      [301, false],
    ] as const) {
      const it = setUp(serialiser);
      await it.letIn();
      it.say(snapshotFrame("list:1", 1, 10, nested(levels)));
      expect([levels, it.core.connection]).toEqual([levels, read ? "open" : "waiting"]);
      expect(it.model()).toEqual(read ? nested(levels) : undefined);
      expect(it.errors).toMatchObject(
        read ? [] : [{ message: expect.stringMatching(/more than 300 levels/) }],
      );
    }
  }
});

test("[CL60] where timers come late, as in a page that is hidden, what comes next is taken all the same, in order", async () => {
  const it = setUp();
  await it.letIn();
  it.say(snapshotFrame("list:1", 1, 10, items()));
  const { monotonic, setTimeout } = it.clock;
  let spent = 0;
  it.clock.monotonic = () => monotonic.call(it.clock) + spent;
  // Once a minute at most.
  it.clock.setTimeout = (run, milliseconds) => setTimeout.call(it.clock, run, Math.max(milliseconds, 60_000));
  const heard: number[] = [];
  (it.core as { digest: Core["digest"] }).digest = (model) => {
    spent += 20;
    heard.push((model as { items: string[] }).items.length);
    return 0;
  };
  const record = (n: number): Frame =>
    updateFrame("list:1", n, [["c2", n, `f${n}`, { type: "added", text: `${n}` }]], { digest: 0 });
  for (let n = 1; n <= 3; n++) it.say(record(n));
  expect([heard, it.core.crowded]).toEqual([[1], true]);
  for (let n = 4; n <= 6; n++) {
    await it.clock.advance(100);
    it.say(record(n));
  }
  expect(heard).toEqual([1, 2, 3, 4]);
  await it.clock.advance(100);
  it.say({ type: "Pong" });
  await it.clock.advance(180_000);
  expect([heard, it.core.crowded]).toEqual([[1, 2, 3, 4, 5, 6], false]);
});
