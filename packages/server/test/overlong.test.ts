// What is longer than any name of ours is no honest word: it costs its connection, and is nowhere written down whole.
import type { ClientFrame } from "@calla/shared";
import { expect, test } from "vitest";
import { hello, list, say, subscribe, unsubscribe, wire } from "./wired.ts";

const LONG = `list:${"x".repeat(500_000)}`;
const wired = () => {
  const written: unknown[] = [];
  const it = wire({
    limits: { maxHelloBytes: 1_000_000 },
    onRefused: (refused) => void written.push(refused),
    observe: (event) => void written.push(event),
    onError: (error) => void written.push(String(error)),
  });
  it.server.handle(list, { public: true });
  return { ...it, written };
};

const frames: { readonly [name: string]: ClientFrame } = {
  Subscribe: subscribe(LONG, 1),
  Unsubscribe: unsubscribe(LONG, 1),
  Resync: { type: "Resync", targets: [{ target: LONG, ref: 1, settled: 0, sent: 0 }] },
  TopicMessage: say(LONG, 1, { type: "added", item: "a" }),
  "an ephemeral TopicMessage": say(LONG, 0, { type: "moved", x: 1 }),
  Ping: { type: "Ping", cursors: [[LONG, 0, 0]] },
  "a TopicMessage of 257": say(`list:${"x".repeat(252)}`, 1, { type: "added", item: "a" }),
};

test.each(Object.entries(frames))(
  "[CV3] %s to an over-long target is a protocol error, not echoed",
  async (_, frame) => {
    const { client, written, post } = wired();
    const one = await client();
    one.say(frame);
    const said = await one.heard();
    expect(said).toEqual([{ type: "Closing", code: "protocol", retryable: false, within: 0 }]);
    const { heard } = post(hello({ identity: one.identity }), frame);
    await one.heard();
    expect(heard).toMatchObject([{ type: "Closing", code: "protocol" }]);
    expect(written.length).toBeGreaterThan(1);
    expect(JSON.stringify(written).length).toBeLessThan(5_000);
  },
);

test.each([
  ["target", { targets: [subscribe(LONG, 1)] }],
  ["client id", { identity: { clientId: LONG, secret: "x" } }],
  ["secret", { identity: { clientId: "x", secret: LONG } }],
])("[CV3] a Hello with an over-long %s is a protocol error", async (_, more) => {
  const { socket, written } = wired();
  const one = socket();
  one.say(hello(more));
  expect(await one.heard()).toEqual([{ type: "Closing", code: "protocol", retryable: false, within: 0 }]);
  expect(JSON.stringify(written).length).toBeLessThan(2_000);
});

test.each([
  [
    "a foreign client id",
    (): string => JSON.stringify(hello({ identity: { clientId: "x".repeat(256), secret: "y" } })),
  ],
  ["no JSON", () => `{"type": ${"z".repeat(900_000)}`],
  ["an unknown frame", () => JSON.stringify({ type: "x".repeat(900_000) })],
  ["an unknown field's name", () => JSON.stringify({ ...hello(), ["k".repeat(900_000)]: 1 })],
  ["a hostile key", () => `{"type":"Hello","__proto__":"${"x".repeat(900_000)}"}`],
])("[CV3] %s is recorded, and cut", async (_, text) => {
  const { socket, written } = wired();
  const one = socket();
  one.sayRaw(text());
  await one.heard();
  expect(written.length).toBeGreaterThan(0);
  expect(JSON.stringify(written).length).toBeLessThan(3_000);
});

test("[CV3] [TP6] the longest id there is goes through", async () => {
  const { client } = wired();
  const one = await client();
  one.say(subscribe(`list:${"x".repeat(251)}`, 1));
  expect((await one.heard()).map(({ type }) => type)).toContain("Settled");
});
