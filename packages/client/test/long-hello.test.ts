// A Hello that would be longer than a server takes.
import type { ClientFrame } from "@calla/shared";
import { expect, test } from "vitest";
import { handshake, list, settledFrame, setUp, snapshotFrame, turn } from "./kit.ts";
import type { Connection } from "./kit.ts";

const many = (count: number) => Array.from({ length: count }, (_, at) => `${at}${"x".repeat(240)}`);
const helloOf = (connection: Connection) => connection.last("Hello");
const asked = (frames: readonly ClientFrame[]): string[] =>
  frames.flatMap((frame) =>
    frame.type === "Hello"
      ? frame.targets.map(({ target }) => target)
      : frame.type === "Subscribe"
        ? [frame.target]
        : [],
  );
const longest = ({ packets }: Connection): number =>
  Math.max(...packets.map((packet) => new TextEncoder().encode(packet).length));

test("[CL20] a Hello names what fits, and the rest is asked for right behind Connected, each once and in packets", async () => {
  const it = setUp();
  const ids = many(1_000);
  for (const id of ids) it.client.topic(list, id).retain();
  const connection = await handshake(it);
  const hello = helloOf(connection);
  expect(hello.targets.length).toBeGreaterThan(150);
  expect(new Set(asked(connection.sent))).toEqual(new Set(ids.map((id) => `list:${id}`)));
  expect(asked(connection.sent)).toHaveLength(1_000);
  expect(longest(connection)).toBeLessThanOrEqual(65_536);
  expect(connection.packets.length).toBeLessThan(20);
  // What was asked for is not asked for again, and has its own ref.
  await it.clock.advance(5_000);
  expect(asked(connection.sent)).toHaveLength(1_000);
});

test.each([
  [
    "says so",
    (one: Connection) => one.say({ type: "Closing", code: "too-large", retryable: true, within: 0 }),
  ],
  ["closes with 1009", (one: Connection) => one.drop(1009)],
])(
  "[CL20] [CL36] a server that takes less and %s gets half as much each time, after ever longer delays, and is never given up",
  async (_, refuse) => {
    const it = setUp();
    for (const id of many(300)) it.client.topic(list, id).retain();
    const named: number[] = [];
    let waited = 0;
    for (let attempt = 0; attempt < 6; attempt++) {
      await turn();
      const { connection } = it.server;
      connection.open();
      await turn();
      named.push(helloOf(connection).targets.length);
      refuse(connection);
      const before = it.server.connections.length;
      await it.clock.advance(waited * 0.9);
      expect(it.server.connections).toHaveLength(before);
      for (waited = 0; it.server.connections.length === before; waited += 100) await it.clock.advance(100);
      // The first is spread from nothing on.
      if (attempt === 0) waited = 0;
      expect(waited).toBeLessThanOrEqual(30_000);
    }
    for (let i = 1; i < named.length; i++) expect(named[i]).toBeLessThanOrEqual(named[i - 1]! / 2 + 1);
    expect(named[0]).toBeGreaterThan(150);
    expect(it.client.status.connection).not.toBe("closed");
    const connection = await handshake(it);
    expect(asked(connection.sent)).toHaveLength(300);
    expect(longest(connection)).toBeLessThanOrEqual(65_536);
    expect(it.errors).toEqual([]);
  },
);

test("[CL20] [CL36] a Hello that is too large though it names nothing is reported, once, and tried again", async () => {
  const it = setUp({ token: () => "t".repeat(70_000) });
  for (const id of many(3)) it.client.topic(list, id).retain();
  for (let attempt = 0; attempt < 4; attempt++) {
    await turn();
    await turn();
    const { connection } = it.server;
    connection.open();
    await turn();
    expect(helloOf(connection).targets).toEqual([]);
    connection.say({ type: "Closing", code: "too-large", retryable: true, within: 0 });
    const before = it.server.connections.length;
    for (let waited = 0; it.server.connections.length === before && waited < 60_000; waited += 100)
      await it.clock.advance(100);
  }
  expect(it.errors).toMatchObject([
    { code: "too-large", message: expect.stringContaining("maxHelloBytes") as string },
  ]);
});

test("[CL20] a packet that is too large once open says nothing of the Hello, and a long Ping goes in parts", async () => {
  const it = setUp({ heartbeat: 1_000 });
  const ids = many(400);
  for (const id of ids) it.client.topic(list, id).retain();
  const connection = await handshake(it);
  const first = helloOf(connection).targets.length;
  connection.drop(1009);
  await it.clock.advance(2_000);
  const next = await handshake(it);
  expect(helloOf(next).targets).toHaveLength(first);
  const targets = [...helloOf(next).targets, ...next.sent.filter((frame) => frame.type === "Subscribe")];
  for (const { target, ref } of targets) {
    next.say(settledFrame(target, ref));
    next.say(snapshotFrame(target, 0, 1, { items: [], stamp: 0 }));
  }
  next.take();
  next.packets.length = 0;
  await it.clock.advance(1_500);
  const pings = next.sent.filter((frame) => frame.type === "Ping");
  expect(pings.length).toBeGreaterThan(1);
  expect(new Set(pings.flatMap(({ cursors }) => cursors.map(([target]) => target))).size).toBe(400);
  expect(longest(next)).toBeLessThanOrEqual(65_536);
});
