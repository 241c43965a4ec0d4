// What comes between two steps: another user, a failure, the end of the client, a clock that is set back.
import { automatic, defineTopic, defineWiring, json } from "@calla/shared";
import * as z from "zod";
import { expect, test } from "vitest";
import { createClient } from "../src/client.ts";
import { memoryPageStorage as memoryStorage } from "../src/storage/memory-storage.ts";
import { keepModels } from "../src/storage/kept-models.ts";
import type { StorageChange } from "../src/storage/storage.ts";
import {
  FakeServer,
  giveSnapshot,
  handshake,
  items,
  list,
  messagesIn,
  setUp,
  turn,
  updateFrame,
  VirtualClock,
} from "./kit.ts";
import type { Connection } from "./kit.ts";
import { added, live, slowStorage } from "./live.ts";

const state = async (promise: Promise<unknown>): Promise<unknown> => {
  let found: unknown = "waits";
  promise.then(
    () => (found = "resolved"),
    (error: { code?: string }) => (found = error.code),
  );
  await turn();
  return found;
};

test("[CL8] [OB9] [CL41] S41 S19 another user comes after a transaction failed: what the first had queued stays stored", async () => {
  const storage = slowStorage();
  const setup = setUp({ storage, user: "ann" });
  const topic = setup.client.topic(list, "1");
  const durable = topic.dispatch(added("durable"));
  await storage.landAll();
  expect(await state(durable.queued)).toBe("resolved");
  topic.dispatch(added("lost"));
  await turn();
  await storage.commits.shift()?.land(new Error("quota"));
  await handshake(setup, "c2", { userId: "bob" });
  await storage.landAll();
  const anns = await storage.load({ server: "", user: "ann" });
  expect(anns?.entries.flatMap(({ messages }) => messages)).toEqual([added("durable")]);
});

test("[CL8] [CL41] S41 what a named user dispatched and was not stored yet is not sent as the user whom the server names", async () => {
  const storage = slowStorage();
  const setup = setUp({ storage, user: "ann" });
  const topic = setup.client.topic(list, "1");
  const first = topic.dispatch(added("in flight"));
  await turn();
  const second = topic.dispatch(added("behind it"));
  const connection = await handshake(setup, "c2", { userId: "bob" });
  await storage.landAll();
  expect(messagesIn(connection.sent)).toEqual([]);
  expect([await state(first.queued), await state(first.applied)]).toEqual(["resolved", "closed"]);
  expect([await state(second.queued), await state(second.applied)]).toEqual(["closed", "closed"]);
  expect(setup.client.status.pending).toBe(0);
});

test("[OB5] [OB9] [OB24] a mid that goes out as void does not make the queue look old", async () => {
  const storage = memoryStorage();
  await storage.load({ server: "", user: undefined });
  await storage.commit([
    { type: "identity", identity: { clientId: "c1", secret: "s", userId: null } },
    {
      type: "entry",
      entry: { target: "list:1", mid: 2, id: "two", messages: [added("b")], at: 990_000, version: 1 },
    },
    { type: "target", target: "list:1", settled: 0, last: 2 },
  ]);
  const setup = setUp({ storage, user: null, maxPendingAge: 60_000 });
  const connection = await handshake(setup);
  connection.say({ type: "Paused", target: "list:1", from: 1, code: "gap", retryAfter: 0 });
  expect(() => setup.client.topic(list, "1").dispatch(added("c"))).not.toThrow();
});

test("[OB7] cancel says no when the client is closed: what is stored is sent by the next page", async () => {
  const storage = memoryStorage();
  const { client } = setUp({ storage, user: null, connect: false });
  const write = client.topic(list, "1").dispatch(added("a"));
  await write.queued;
  await client.close();
  expect(write.cancel()).toBe(false);
});

test("[OB12] forget leaves no promise waiting, whatever transaction was under way", async () => {
  const storage = slowStorage();
  const setup = setUp({ storage, user: null });
  const topic = setup.client.topic(list, "1");
  const connection = await handshake(setup);
  await storage.landAll();
  const decided = topic.dispatch(added("a"));
  await storage.landAll();
  topic.dispatch(added("b"));
  await turn();
  // While that is being stored: an outcome, and one more.
  connection.say({ type: "Acknowledge", target: "list:1", mid: 1, id: decided.id, sequence: 1 });
  const last = topic.dispatch(added("c"));
  await turn();
  const forgotten = setup.client.forget();
  await storage.landAll();
  await storage.landAll();
  await forgotten;
  expect(await state(decided.applied)).toBe("resolved");
  expect([await state(last.queued), await state(last.applied)]).toEqual(["closed", "closed"]);
});

test("[CL15] close leaves no promise waiting, also where nobody was named", async () => {
  const setup = setUp({ connect: false, storage: memoryStorage() });
  const write = setup.client.topic(list, "1").dispatch(added("a"));
  await turn();
  await setup.client.close();
  expect([await state(write.queued), await state(write.applied)]).toEqual(["closed", "closed"]);
});

test("[OB12] [CL15] forget that is refused leaves no timer and no listener", async () => {
  let stopped = 0;
  const models = keepModels({ hides: () => () => void stopped++ });
  const setup = setUp({ storage: memoryStorage({ models }), connect: false });
  setup.client.topic(list, "1").onChange(() => {});
  await turn();
  await expect(setup.client.forget()).rejects.toMatchObject({ code: "forbidden" });
  expect([stopped, setup.clock.waiting]).toEqual([1, 0]);
});

test("[OB11] [CL15] an outcome that is known when the client closes is told, though its record has not come", async () => {
  const told: unknown[] = [];
  const { connection, topic, client } = await live({ onOutcome: ({ id, is }) => told.push([id, is]) });
  const write = topic.dispatch(added("a"));
  await turn();
  connection.say({ type: "Acknowledge", target: "list:1", mid: 1, id: write.id, sequence: 1 });
  await turn();
  await client.close();
  expect(told).toEqual([[write.id, "applied"]]);
  await expect(write.applied).resolves.toMatchObject({ sequence: 1 });
});

test("[OB10] [OB9] S19 after a transaction that failed models are stored anew, not only when they change", async () => {
  const storage = slowStorage(memoryStorage({ models: keepModels({ hides: () => () => {} }) }));
  const { clock, topic, connection } = await live({ storage, user: null }, 5, "a");
  await clock.advance(1_000);
  await storage.landAll();
  connection.drop();
  const failed = topic.dispatch(added("b"));
  await turn();
  await storage.commits.shift()?.land(new Error("once"));
  expect(await state(failed.queued)).toBe("storage");
  // A storage that goes on failing is not tried again and again for the models' sake.
  await clock.advance(2_000);
  await storage.commits.shift()?.land(new Error("again"));
  await clock.advance(5_000);
  expect(storage.commits).toEqual([]);
  topic.dispatch(added("c"));
  await storage.landAll();
  await clock.advance(2_000);
  await storage.landAll();
  const next = await storage.load({ server: "", user: null });
  expect(next?.entries).toHaveLength(2);
  expect(next?.models.get("list:1")?.sequence).toBe(5);
});

test("[OB10] a model that waits does not make others wait", async () => {
  const storage = memoryStorage({ models: keepModels({ hides: () => () => {} }) });
  const stored: string[] = [];
  const commit = (changes: readonly StorageChange[]): Promise<void> => {
    for (const change of changes) if (change.type === "model") stored.push(change.target);
    return storage.commit(changes);
  };
  const setup = await live({ storage: { ...storage, commit } }, 1, "x".repeat(1_000_000));
  setup.client.topic(list, "2").onChange(() => {});
  await turn();
  await giveSnapshot(setup.connection, "list:2", 1, items("a"));
  await setup.clock.advance(2_000);
  expect(stored).toEqual(["list:1", "list:2"]);
  setup.connection.say(updateFrame("list:1", 1, [["c2", 1, "x1", added("x")]]));
  await setup.clock.advance(1_500);
  setup.connection.say(updateFrame("list:2", 1, [["c2", 1, "x2", added("x")]]));
  await setup.clock.advance(1_100);
  expect(stored).toEqual(["list:1", "list:2", "list:2"]);
  await setup.clock.advance(30_000);
  expect(stored).toEqual(["list:1", "list:2", "list:2", "list:1"]);
});

/** Somebody sets the clock back; timers go on. */
function setBack(setup: { clock: { now(): number } }, by: number): void {
  const now = setup.clock.now.bind(setup.clock);
  setup.clock.now = () => now() - by;
}

test("[CL6] a clock that is set back does not keep a dead connection alive", async () => {
  const setup = await live();
  await setup.clock.advance(20_000);
  setup.connection.say({ type: "Pong" });
  setBack(setup, 500_000);
  await setup.clock.advance(60_000);
  expect(setup.client.status.connection).not.toBe("open");
});

test("[CL11] a clock that is set back does not make a pause longer", async () => {
  const setup = await live();
  const { connection } = setup;
  setup.topic.dispatch(added("a"));
  await turn();
  connection.say({ type: "Paused", target: "list:1", from: 1, code: "rate", retryAfter: 1_000 });
  setBack(setup, 500_000);
  connection.take();
  await setup.clock.advance(1_000);
  expect(messagesIn(connection.take())).toMatchObject([{ mid: 1 }]);
});

test("[CL10] a clock that is set back does not keep a message from being sent again", async () => {
  const setup = await live();
  const { connection } = setup;
  setup.topic.dispatch(added("a"));
  await turn();
  connection.take();
  setBack(setup, 500_000);
  for (let i = 0; i < 4; i++) {
    await setup.clock.advance(9_000);
    connection.say({ type: "Pong" });
  }
  expect(messagesIn(connection.take()).map(({ mid }) => mid)).toContain(1);
});

// What nothing but a server's frame limit bounds.
const big = defineTopic("big:*", {
  model: z.object({ n: z.number() }),
  initial: () => ({ n: 0 }),
  messages: { put: z.object({ text: z.string() }) },
  update: { put: ({ n }) => ({ n: n + 1 }) },
});

test("[OB13] [CL12] [OB43] a message too large for the server is named and given up, and does not keep the others back", async () => {
  const server = new FakeServer();
  const clock = new VirtualClock();
  const told: unknown[] = [];
  const client = createClient({
    wiring: defineWiring({ topics: [big] }),
    serialiser: automatic(json()),
    transport: server.transport,
    clock,
    onOutcome: (one) => told.push([one.id, one.is]),
  });
  const topic = client.topic(big, "1");
  const put = (text: string) => topic.dispatch({ type: "put", text });
  // Fewer characters, and more bytes.
  const writes = [put("a"), put("x".repeat(300_000)), put("あ".repeat(200_000)), put("b")];
  const connection = await handshake({ server });
  expect(messagesIn(connection.sent)).toHaveLength(4);
  connection.drop(1009, "too-large");
  await clock.advance(1_000);
  const next = await handshake({ server });
  expect(told).toEqual([]);
  refuse(next, 3, writes[2]!.id);
  await expect(writes[2]!.applied).rejects.toMatchObject({ code: "too-large" });
  expect(told).toEqual([[writes[2]!.id, "rejected"]]);
  expect(messagesIn(next.sent).map(({ mid, messages }) => [mid, messages.length === 0])).toEqual([
    [1, false],
    [2, false],
    [3, true],
    [4, false],
  ]);
  next.drop(1009, "too-large");
  await clock.advance(1_000);
  const third = await handshake({ server });
  // A former connection had carried it after all: that is its outcome, whatever it was given up for.
  third.say({ type: "Acknowledge", target: "big:1", mid: 2, id: writes[1]!.id, sequence: 1 });
  await expect(writes[1]!.applied).resolves.toMatchObject({
    sequence: 1,
    messages: [{ type: "put", text: "x".repeat(300_000) }],
  });
  // What is small was never the cause.
  third.drop(1009, "too-large");
  await clock.advance(1_000);
  expect(
    messagesIn((await handshake({ server })).sent).filter(({ messages }) => messages.length > 0),
  ).toHaveLength(2);
});

const refuse = (connection: Connection, mid: number, id: string) =>
  connection.say({
    type: "Rejected",
    target: "big:1",
    mid,
    id,
    from: "calla",
    code: "cancelled",
    details: {},
  });

test("[OB13] [OB43] a way that takes less in one piece than the client sends gets it in smaller ones, and only what is too large alone is lost to it", async () => {
  const server = new FakeServer();
  const clock = new VirtualClock();
  const client = createClient({
    wiring: defineWiring({ topics: [big] }),
    serialiser: automatic(json()),
    transport: server.transport,
    clock,
  });
  const topic = client.topic(big, "1");
  const texts = [...Array.from({ length: 60 }, (_, n) => `${n}`.repeat(300)), "x".repeat(9_000), "last"];
  const writes = texts.map((text) => topic.dispatch({ type: "put", text }));
  for (const { applied } of writes) applied.catch(() => {});
  const most = 2_000;
  let ends = 0;
  for (;;) {
    const connection = await handshake({ server });
    const voids = messagesIn(connection.sent).filter(({ messages }) => messages.length === 0);
    if (connection.packets.every((packet) => packet.length <= most)) {
      expect(messagesIn(connection.sent)).toHaveLength(62);
      expect(voids.map(({ mid }) => mid)).toEqual([61]);
      refuse(connection, 61, writes[60]!.id);
      break;
    }
    connection.drop(1009, "too-large");
    const before = server.connections.length;
    while (server.connections.length === before) await clock.advance(100);
    if (++ends === 12) throw new Error("no end of it");
  }
  await expect(writes[60]!.applied).rejects.toMatchObject({ code: "too-large" });
});
