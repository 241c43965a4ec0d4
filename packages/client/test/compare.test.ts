// How often whole models are compared: a model that is a record by id is compared in proportion to its entries.
import { automatic, defineTopic, defineWiring, json } from "@calla/shared";
import { expect, test, vi } from "vitest";
import * as z from "zod";
import { createClient } from "../src/client.ts";
import type { Topic } from "../src/topic.ts";
import { FakeServer, giveSnapshot, handshake, seededRandom, turn, updateFrame, VirtualClock } from "./kit.ts";

const MANY = 2_000;
const byId = defineTopic("items:*", {
  model: z.record(z.string(), z.object({ n: z.number() })),
  initial: () => ({}),
  messages: { set: z.object({ id: z.string(), n: z.number() }), copied: z.object({}) },
  update: {
    set: (items, { id, n }) => ({ ...items, [id]: { n } }),
    copied: (items) => ({ ...items }),
  },
});
const model = () => Object.fromEntries(Array.from({ length: MANY }, (_, i) => [`i${i}`, { n: i }]));
const set = (i: number, n: number) => ({ type: "set", id: `i${i}`, n }) as const;
const copied = { type: "copied" } as const;

async function subscribed() {
  const server = new FakeServer();
  const clock = new VirtualClock();
  const client = createClient({
    wiring: defineWiring({ topics: [byId] }),
    serialiser: automatic(json()),
    transport: server.transport,
    clock,
    random: seededRandom(),
    strict: false,
  });
  const topic: Topic<typeof byId> = client.topic(byId, "1");
  const told: unknown[] = [];
  topic.onChange((state) => told.push(state.model));
  const connection = await handshake({ server });
  await giveSnapshot(connection, "items:1", 0, model());
  told.length = 0;
  return { topic, connection, told };
}

/** How many whole models were gone through meanwhile, by listing their fields. */
async function wholes(work: () => unknown): Promise<number> {
  const keys = vi.spyOn(Object, "keys");
  try {
    await work();
    return keys.mock.calls.filter(([of]) => "i0" in of).length;
  } finally {
    keys.mockRestore();
  }
}

test("[RB11] a subscriber compares a model with the one before once for a frame and its notice", async () => {
  const { connection, told } = await subscribed();
  const one = await wholes(async () => {
    connection.say(updateFrame("items:1", 0, [["c2", 1, "a", set(7, -1)]]));
    await turn();
  });
  expect([one, told.length]).toEqual([2, 1]); // the two that were compared
  const ten = await wholes(async () => {
    const records = Array.from({ length: 10 }, (_, i) => ["c2", i + 2, `b${i}`, set(i, -2)] as const);
    connection.say(updateFrame("items:1", 1, records));
    await turn();
  });
  expect([ten, told.length]).toEqual([2, 2]);
  expect(told[1]).toMatchObject({ i0: { n: -2 }, i9: { n: -2 }, i10: { n: 10 } });
});

test("[RB11] [RB6] what comes out equal is shown as the same object, also over several records of a frame", async () => {
  const { topic, connection, told } = await subscribed();
  const before = topic.state.model;
  connection.say(updateFrame("items:1", 0, [["c2", 1, "a", copied]]));
  await turn();
  connection.say(
    updateFrame("items:1", 1, [
      ["c2", 2, "b", set(1, -1)],
      ["c2", 3, "c", set(1, 1)],
    ]),
  );
  await turn();
  expect(topic.state.model).toBe(before);
  // One's own prediction is made on what is shown, and stays the same object when it is confirmed after others' records.
  const { id } = topic.dispatch(copied);
  expect(topic.state.model).toBe(before);
  await turn();
  connection.say(
    updateFrame("items:1", 3, [
      ["c2", 4, "d", copied],
      ["c1", 1, id, copied],
      ["c2", 5, "e", copied],
    ]),
  );
  await turn();
  expect(topic.state).toMatchObject({ status: "live", pending: [] });
  expect(topic.state.model).toBe(before);
  expect(told.every((one) => one === before)).toBe(true);
});

test("[RB11] listeners hear of a model that differs, and of the one that is as before again", async () => {
  const { topic, connection, told } = await subscribed();
  const before = topic.state.model;
  connection.say(updateFrame("items:1", 0, [["c2", 1, "a", set(1, -1)]]));
  expect(topic.state.model).not.toBe(before);
  connection.say(updateFrame("items:1", 1, [["c2", 2, "b", set(1, 1)]]));
  // Two frames of one turn, looked at after each: what listeners have been told is what is shown again.
  expect(topic.state.model).toEqual(before);
  await turn();
  expect(told).toEqual([]);
  expect(topic.state.model).toEqual(before);
  connection.say(updateFrame("items:1", 2, [["c2", 3, "c", set(1, -1)]]));
  await turn();
  expect(told).toHaveLength(1);
});
