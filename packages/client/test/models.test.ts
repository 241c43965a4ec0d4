// Stored models: when they are written, what a later page shows of them, whose they are, and what goes first.
import { expect, test } from "vitest";
import { memoryPageStorage as memoryStorage } from "../src/storage/memory-storage.ts";
import { keepModels } from "../src/storage/kept-models.ts";
import type { KeepModelsOptions } from "../src/storage/kept-models.ts";
import type { ModelHost, PageStorage as Storage, StorageChange } from "../src/storage/storage.ts";
import type { Connection, VirtualClock } from "./kit.ts";
import {
  giveSnapshot,
  handshake,
  items,
  list,
  messagesIn,
  seededRandom,
  settledFrame,
  setUp,
  turn,
  updateFrame,
} from "./kit.ts";
import { added, live, slowStorage } from "./live.ts";

const keeping = (options: KeepModelsOptions = {}): Storage =>
  memoryStorage({ models: keepModels({ hides: () => () => {}, ...options }) });
const anybody = { server: "", user: undefined };
/** What a page that came now would find. */
const stored = async (storage: Storage) => (await storage.load(anybody))!;
let pages = 1;
/** Another page of the same browser. */
const reload = (storage: Storage, options: Parameters<typeof setUp>[0] = {}) =>
  setUp({ storage, random: seededRandom(++pages * 7_919), ...options });
const models = (changes: readonly StorageChange[]) =>
  changes.flatMap((change) => (change.type === "model" ? [[change.target, change.model.sequence]] : []));
/** A page that has shown `texts` at sequence 5 and stored that, then went. */
async function wentAt5(storage: Storage, ...texts: string[]): Promise<void> {
  const { client, clock } = await live({ storage }, 5, ...texts);
  await clock.advance(1_000);
  await client.close();
}
const records = (connection: Connection, sequence: number) =>
  connection.say(
    settledFrame("list:1", connection.ref("list:1"), { sequence, resync: "records", reason: "missed" }),
  );

test("[OB10] a changed model is stored some time later, once for all that changed, in a transaction of its own", async () => {
  const storage = slowStorage(keeping());
  const { clock, connection, topic } = await live({ storage });
  await storage.landAll();
  for (const after of [0, 1, 2]) {
    connection.say(updateFrame("list:1", after, [["c2", after + 1, `x${after}`, added("x")]]));
    await clock.advance(300);
  }
  expect(storage.commits).toEqual([]);
  topic.dispatch(added("mine"));
  await clock.advance(200);
  expect(storage.commits.map(({ changes }) => models(changes))).toEqual([[]]);
  await storage.commits.shift()?.land();
  expect(storage.commits.map(({ changes }) => changes.map(({ type }) => type))).toEqual([["model"]]);
  expect(models(storage.commits[0]?.changes ?? [])).toEqual([["list:1", 3]]);
  await storage.landAll();
  await clock.advance(5_000);
  expect(storage.commits).toEqual([]);
});

test("[OB10] [CL7] [OB27] S6 an offline page shows the last state, takes messages, and catches up by records", async () => {
  const storage = keeping();
  await wentAt5(storage, "a");
  const setup = reload(storage, { user: null });
  const topic = setup.client.topic(list, "1");
  topic.onChange(() => {});
  await turn();
  expect(topic.state).toMatchObject({ status: "stale", model: items("a"), pending: [] });
  const write = topic.dispatch(added("b"));
  expect(topic.state.model).toEqual(items("a", "b"));
  const connection = await handshake(setup);
  expect(connection.last("Hello").targets).toMatchObject([{ cursor: { sequence: 5, mark: 50 } }]);
  records(connection, 6);
  connection.say(updateFrame("list:1", 5, [["c2", 1, "x", added("x")]]));
  connection.say(updateFrame("list:1", 6, [["c1", 1, write.id, added("b")]]));
  await turn();
  expect(topic.state).toMatchObject({ status: "live", model: items("a", "x", "b"), pending: [] });
  expect(setup.errors).toEqual([]);
});

test("[OB10] [CL8] without a named user nothing is shown before the server names one, and then by records", async () => {
  const storage = keeping();
  await wentAt5(storage, "a");
  const setup = reload(storage);
  const topic = setup.client.topic(list, "1");
  topic.onChange(() => {});
  await turn();
  expect(topic.state.status).toBe("loading");
  const connection = await handshake(setup);
  expect(connection.last("Hello").targets).toMatchObject([{ cursor: { sequence: 5, mark: 50 } }]);
  expect(topic.state).toMatchObject({ status: "stale", model: items("a") });
  records(connection, 6);
  connection.say(updateFrame("list:1", 5, [["c2", 1, "x", added("x")]]));
  expect(topic.state).toMatchObject({ status: "live", model: items("a", "x") });
});

test("[OB10] [CL8] S41 another user sees nothing of the first's, and is asked for without the first's cursor", async () => {
  const storage = keeping();
  await annWent(storage);
  const setup = reload(storage);
  const topic = setup.client.topic(list, "1");
  const seen: unknown[] = [];
  topic.onChange(({ model }) => seen.push(model));
  const connection = await handshake(setup, "c2", { userId: "bob", refused: "foreign" });
  expect(connection.last("Hello").targets).toMatchObject([{ cursor: { sequence: 5 } }]);
  expect(connection.last("Subscribe")).not.toHaveProperty("cursor");
  await giveSnapshot(connection, "list:1", 7, items("bob's"));
  expect(seen).toEqual([items("bob's")]);
});

/** A page of ann's that showed list:1 at sequence 5 and went with a message unsent. */
async function annWent(storage: Storage): Promise<void> {
  const first = setUp({ storage, user: "ann" });
  first.client.topic(list, "1").onChange(() => {});
  await handshake(first, "c1", { userId: "ann" });
  await giveSnapshot(first.server.connection, "list:1", 5, items("ann's"));
  first.server.connection.drop();
  first.client.topic(list, "1").dispatch(added("unsent"));
  await first.client.close();
}

test("[CL8] [CL41] S41 a page that took itself for the first's: the first's models go, unsent messages wait unsent and untold", async () => {
  const storage = keeping();
  const rejected: unknown[] = [];
  await annWent(storage);
  const setup = reload(storage, { user: "ann", onOutcome: (one) => rejected.push(one) });
  const topic = setup.client.topic(list, "1");
  topic.onChange(() => {});
  await turn();
  expect(topic.state.model).toEqual(items("ann's", "unsent"));
  const here = topic.dispatch(added("of this page"));
  await turn();
  const connection = await handshake(setup, "c2", { userId: "bob", refused: "foreign" });
  await turn();
  expect(topic.state).toMatchObject({ status: "loading", model: undefined, pending: [] });
  await expect(here.applied).rejects.toMatchObject({ code: "closed" });
  expect([messagesIn(connection.sent), rejected, setup.client.status.pending]).toEqual([[], [], 0]);
  const anns = await storage.load({ server: "", user: "ann" });
  expect(anns?.entries.flatMap(({ messages }) => messages)).toEqual([added("unsent"), added("of this page")]);
  expect(anns?.models.get("list:1")?.model).toEqual(items("ann's"));
});

/** Own message at sequence 6, its outcome stored; the stored model is at 5. */
async function acknowledgedAt6(storage: Storage, delay = 1_000) {
  const setup = await live({ storage }, 5, "a");
  await setup.clock.advance(delay);
  const write = setup.topic.dispatch(added("mine"));
  await turn();
  setup.connection.say(updateFrame("list:1", 5, [["c1", 1, write.id, added("mine")]]));
  await expect(write.applied).resolves.toMatchObject({ sequence: 6 });
  return setup;
}

test("[OB6] [OB10] S44 S6 acknowledged, then a crash before the model is stored: shown once, and never sent again", async () => {
  const storage = keeping();
  await acknowledgedAt6(storage);
  expect((await stored(storage)).models.get("list:1")?.sequence).toBe(5);
  const setup = reload(storage, { user: null });
  const topic = setup.client.topic(list, "1");
  topic.onChange(() => {});
  await turn();
  expect(topic.state.model).toEqual(items("a", "mine"));
  expect(setup.client.status.pending).toBe(0);
  const connection = await handshake(setup);
  records(connection, 6);
  connection.say(updateFrame("list:1", 5, [["c1", 1, "another's id", added("x")]]));
  await turn();
  // Until confirmed has reached it by records.
  expect(topic.state).toMatchObject({ status: "live", model: items("a", "x"), pending: [] });
  expect(messagesIn(connection.sent)).toEqual([]);
});

test("[OB10] S44 the other order: the model is stored after the outcome, and then nothing is shown on top of it", async () => {
  const storage = keeping();
  const { clock } = await acknowledgedAt6(storage);
  await clock.advance(1_000);
  expect(await stored(storage)).toMatchObject({
    entries: [],
    models: new Map([["list:1", { sequence: 6 }]]),
  });
  const topic = reload(storage, { user: null }).client.topic(list, "1");
  topic.onChange(() => {});
  await turn();
  expect(topic.state).toMatchObject({ model: items("a", "mine"), pending: [] });
});

test("[OB10] [OB26] S44 no model is stored while an outcome that it contains is not", async () => {
  const storage = slowStorage(keeping());
  const { clock, topic, connection } = await live({ storage }, 5);
  const write = topic.dispatch(added("mine"));
  await storage.landAll();
  connection.say(updateFrame("list:1", 5, [["c1", 1, write.id, added("mine")]]));
  await clock.advance(3_000);
  expect(storage.commits.flatMap(({ changes }) => models(changes))).toEqual([]);
  await storage.commits.shift()?.land();
  expect(storage.commits.flatMap(({ changes }) => models(changes))).toEqual([["list:1", 6]]);
});

test("[OB10] [OB26] no model is stored that an own message with a known outcome is missing from", async () => {
  const storage = keeping();
  const { clock, topic, connection } = await live({ storage }, 5);
  const write = topic.dispatch(added("mine"));
  await turn();
  connection.say({ type: "Acknowledge", target: "list:1", mid: 1, id: write.id, sequence: 7 });
  connection.say(updateFrame("list:1", 5, [["c2", 1, "x", added("x")]]));
  await clock.advance(3_000);
  expect((await stored(storage)).models.size).toBe(0);
  connection.say(updateFrame("list:1", 6, [["c1", 1, write.id, added("mine")]]));
  await clock.advance(3_000);
  expect((await stored(storage)).models.get("list:1")?.sequence).toBe(7);
});

test("[OB10] what closes or is hidden stores at once", async () => {
  let hide: (() => void) | undefined;
  const storage = keeping({
    hides: (store) => {
      hide = store;
      return () => (hide = undefined);
    },
  });
  const { client, connection } = await live({ storage }, 5);
  hide?.();
  await turn();
  expect((await stored(storage)).models.get("list:1")?.sequence).toBe(5);
  connection.say(updateFrame("list:1", 5, [["c2", 1, "x", added("x")]]));
  await client.close();
  expect((await stored(storage)).models.get("list:1")?.sequence).toBe(6);
  expect(hide).toBeUndefined();
});

test("[OB10] [CL7] subscribed again in the same page, a topic shows its last state, with what was acknowledged since", async () => {
  const storage = keeping();
  const setup = setUp({ storage });
  const topic = setup.client.topic(list, "1");
  const stop = topic.onChange(() => {});
  const connection = await handshake(setup);
  await giveSnapshot(connection, "list:1", 5, items("a"));
  stop();
  await setup.clock.advance(6_000);
  expect(topic.state.status).toBe("loading");
  const write = topic.dispatch(added("mine"));
  await turn();
  connection.say({ type: "Acknowledge", target: "list:1", mid: 1, id: write.id, sequence: 8 });
  await expect(write.applied).resolves.toMatchObject({ sequence: 8 });
  topic.onChange(() => {});
  expect(topic.state).toMatchObject({ status: "stale", model: items("a", "mine") });
  expect(connection.last("Subscribe")).toMatchObject({ cursor: { sequence: 5, mark: 50 } });
  records(connection, 8);
  connection.say(
    updateFrame("list:1", 5, [
      ["c2", 1, "x", added("x")],
      ["c2", 2, "y", added("y")],
      ["c1", 1, write.id, added("mine")],
    ]),
  );
  expect(topic.state).toMatchObject({ status: "live", model: items("a", "x", "y", "mine"), pending: [] });
});

test("[OB10] the last of a topic that is left is stored, also where it changed a moment before", async () => {
  const storage = keeping();
  const setup = setUp({ storage, linger: 100 });
  const { client, clock } = setup;
  const stop = client.topic(list, "1").onChange(() => {});
  const connection = await handshake(setup);
  await giveSnapshot(connection, "list:1", 5, items("a"));
  await clock.advance(10_000);
  connection.say(updateFrame("list:1", 5, [["c2", 1, "x", added("x")]]));
  await turn();
  stop();
  await clock.advance(5_000);
  expect((await stored(storage)).models.get("list:1")).toMatchObject({ sequence: 6, model: items("a", "x") });
  await client.close();
});

test("[OB10] [OB27] what is refused is not kept: nobody reads on from a stored model when the right to is gone", async () => {
  const storage = keeping();
  const { clock, connection, client } = await live({ storage }, 5, "a");
  await clock.advance(1_000);
  connection.say({
    type: "Unsubscribed",
    target: "list:1",
    ref: connection.ref("list:1"),
    code: "forbidden",
    retryable: false,
  });
  await turn();
  expect((await stored(storage)).models.size).toBe(0);
  await client.close();
  expect((await stored(storage)).models.size).toBe(0);
});

test("[OB10] [OB27] a model of another version of its slice is not shown, and goes", async () => {
  const storage = keeping();
  await wentAt5(storage, "a");
  const [target, model] = [...(await stored(storage)).models][0]!;
  await storage.commit([{ type: "model", target, model: { ...model, version: 2 } }]);
  const setup = reload(storage, { user: null });
  const topic = setup.client.topic(list, "1");
  topic.onChange(() => {});
  const connection = await handshake(setup);
  expect(topic.state.status).toBe("loading");
  expect(connection.last("Hello").targets[0]).not.toHaveProperty("cursor");
  await turn();
  expect((await stored(storage)).models.size).toBe(0);
});

test("[OB10] [OB9] [OB30] S19 a model that cannot be stored is reported, disturbs no message, and is tried again a minute later", async () => {
  const storage = slowStorage(keeping());
  const { clock, topic, connection, errors } = await live({ storage }, 5);
  await storage.landAll();
  await clock.advance(1_000);
  await storage.commits.shift()?.land(new Error("quota"));
  expect(errors).toMatchObject([{ code: "storage" }]);
  const write = topic.dispatch(added("mine"));
  await turn();
  expect(storage.commits.flatMap(({ changes }) => models(changes))).toEqual([]);
  await storage.landAll();
  await expect(write.queued).resolves.toBeUndefined();
  expect(messagesIn(connection.sent)).toHaveLength(1);
  await clock.advance(58_000);
  await storage.landAll();
  expect((await stored(storage)).models.size).toBe(0);
  await clock.advance(2_000);
  await storage.landAll();
  expect((await stored(storage)).models.get("list:1")?.sequence).toBe(5);
});

/** Subscribes to a topic for a moment. */
async function visit(
  {
    client,
    clock,
    server,
  }: {
    client: ReturnType<typeof setUp>["client"];
    clock: VirtualClock;
    server: ReturnType<typeof setUp>["server"];
  },
  id: string,
  ...texts: string[]
): Promise<void> {
  const stop = client.topic(list, id).onChange(() => {});
  await turn();
  await giveSnapshot(server.connection, `list:${id}`, 5 + texts.join("").length, items(...texts));
  stop();
  await clock.advance(6_000);
}
const names = async (storage: Storage) => [...(await stored(storage)).models.keys()].toSorted();

test("[OB10] [OB29] over maxModels the least recently used goes that is not subscribed", async () => {
  const storage = keeping({ maxModels: 2 });
  const setup = await live({ storage }, 5);
  await setup.clock.advance(1_000);
  for (const id of ["2", "3", "4"]) await visit(setup, id);
  expect(await names(storage)).toEqual(["list:1", "list:4"]);
});

test("[OB10] [OB29] where all are subscribed no more are stored, and none makes room for another", async () => {
  const storage = slowStorage(keeping({ maxModels: 2 }));
  const setup = await live({ storage }, 5);
  await storage.landAll();
  for (const id of ["2", "3"]) {
    setup.client.topic(list, id).onChange(() => {});
    await turn();
    await giveSnapshot(setup.connection, `list:${id}`, 5, items());
  }
  await setup.clock.advance(1_000);
  await storage.landAll();
  for (const after of [5, 6, 7]) {
    setup.connection.say(updateFrame("list:3", after, [["c2", 1, `x${after}`, added("x")]]));
    await setup.clock.advance(2_000);
    expect(storage.commits.flatMap(({ changes }) => changes)).toEqual([]);
  }
  expect(await names(storage)).toEqual(["list:1", "list:2"]);
});

test("[OB10] [OB29] over maxModelBytes likewise; a model that is larger alone is not stored, and what it had goes", async () => {
  const storage = keeping({ maxModelBytes: 3_500 });
  const setup = await live({ storage }, 5);
  await setup.clock.advance(1_000);
  await visit(setup, "2", "x".repeat(900));
  await visit(setup, "3", "x".repeat(900));
  expect(await names(storage)).toEqual(["list:1", "list:3"]);
  await visit(setup, "3", "x".repeat(3_000));
  expect(await names(storage)).toEqual(["list:1"]);
});

test("[OB10] a model that has outgrown its room is dropped once, whatever changes after that", async () => {
  const inner = keeping({ maxModelBytes: 3_500 });
  const dropped: unknown[] = [];
  const storage: Storage = {
    ...inner,
    commit(changes) {
      dropped.push(...changes.filter(({ type }) => type === "drop-model"));
      return inner.commit(changes);
    },
  };
  const setup = await live({ storage }, 5);
  await setup.clock.advance(1_000);
  expect(await names(storage)).toEqual(["list:1"]);
  const grows = async (after: number, count: number, text: string): Promise<void> => {
    const lines = Array.from(
      { length: count },
      (_, i) => ["c2", after + i + 1, `x${after + i}`, added(text)] as const,
    );
    setup.connection.say(updateFrame("list:1", after, lines));
    await setup.clock.advance(2_000);
  };
  await grows(5, 90, "x".repeat(20));
  for (let after = 95; after < 99; after++) await grows(after, 1, "y");
  expect(await names(storage)).toEqual([]);
  expect(dropped).toEqual([{ type: "drop-model", target: "list:1" }]);
  await visit(setup, "2");
  expect(await names(storage)).toEqual(["list:2"]);
  expect(dropped).toHaveLength(1);
});

test("[OB10] [HC8] what is acknowledged before the last of a topic that was left is stored is shown when it is subscribed again", async () => {
  const storage = slowStorage(keeping());
  const { client, clock, server } = setUp({ storage });
  const topic = client.topic(list, "1");
  const stop = topic.onChange(() => {});
  await storage.landAll();
  const connection = await handshake({ server });
  await giveSnapshot(connection, "list:1", 5, items("a"));
  await storage.landAll();
  await clock.advance(2_000);
  await storage.landAll();
  const write = topic.dispatch(added("mine"));
  await storage.landAll();
  // A slow commit: no model is stored meanwhile.
  void client.topic(list, "2").dispatch(added("slow"));
  await turn();
  connection.say(updateFrame("list:1", 5, [["c2", 1, "x", added("x")]]));
  stop();
  await clock.advance(6_000);
  connection.say({ type: "Acknowledge", target: "list:1", mid: 1, id: write.id, sequence: 7 });
  await storage.landAll();
  await expect(write.applied).resolves.toMatchObject({ sequence: 7 });
  await clock.advance(2_000);
  await storage.landAll();
  topic.onChange(() => {});
  expect(topic.state.model).toEqual(items("a", "mine"));
});

test("[OB10] [OB28] what nobody has used for maxAge goes, and is not shown", async () => {
  const storage = keeping({ maxAge: 100_000 });
  const first = await live({ storage }, 5);
  await visit(first, "2");
  await first.clock.advance(200_000);
  await first.client.close();
  // What is subscribed counts as used, however seldom it changes.
  expect(await names(storage)).toEqual(["list:1"]);
  const later = reload(storage, { user: null });
  await later.clock.advance(200_000);
  later.client.topic(list, "1").onChange(() => {});
  await later.clock.advance(2_000);
  expect(await names(storage)).toEqual(["list:1"]);
});

test("[OB10] [OB28] what is subscribed and does not change is in use all the same: its time is stored anew, now and then", async () => {
  const maxAge = 3_000_000;
  const storage = keeping({ maxAge });
  const first = await live({ storage }, 5);
  await first.clock.advance(2_000);
  const usedAt = async () => (await stored(storage)).models.get("list:1")!.usedAt;
  const before = await usedAt();
  await first.clock.advance(maxAge - 1_000);
  await visit(first, "2"); // something else gives the storage a turn
  await first.clock.advance(2_000);
  expect(await usedAt()).toBeGreaterThanOrEqual(before + maxAge - 1_000);
  // Not at every turn: that would write a model over and over that nobody has changed.
  const after = await usedAt();
  await visit(first, "3");
  await first.clock.advance(2_000);
  expect(await usedAt()).toBe(after);
  await first.client.close();
});

test("[OB10] [OB29] a model that holds more than maxSettled settled messages goes, and they with it", async () => {
  const storage = keeping({ maxSettled: 3 });
  const setup = await live({ storage }, 5);
  await visit(setup, "2");
  const topic = setup.client.topic(list, "2");
  for (let mid = 1; mid <= 4; mid++) {
    const { id } = topic.dispatch(added(`${mid}`));
    await turn();
    const { connection } = setup.server;
    connection.say({ type: "Acknowledge", target: "list:2", mid, id, sequence: 5 + mid });
    await turn();
    await setup.clock.advance(1_000);
    expect((await stored(storage)).entries.length).toBe(mid === 4 ? 0 : mid);
  }
  expect(await names(storage)).toEqual(["list:1"]);
});

test("[OB10] [OB31] a fresh identity of the same user stores the models anew", async () => {
  const storage = keeping();
  const setup = await live({ storage }, 5);
  await visit(setup, "2");
  setup.connection.drop();
  await setup.clock.advance(1_000);
  await handshake(setup, "c2", { refused: "expired" });
  expect(await stored(storage)).toMatchObject({ identity: { clientId: "c2" }, models: new Map() });
  await setup.clock.advance(2_000);
  expect(await names(storage)).toEqual(["list:1", "list:2"]);
});

test("[OB10] a history that was replaced by a shorter one leaves nothing of the former on top of it", async () => {
  const storage = keeping({ delay: 5_000 });
  const setup = await acknowledgedAt6(storage, 5_000);
  setup.connection.drop();
  await setup.clock.advance(1_000);
  const connection = await handshake(setup);
  await giveSnapshot(connection, "list:1", 2, items("other"), { reason: "other-history" });
  expect((await stored(storage)).entries).toHaveLength(1);
  await setup.clock.advance(5_000);
  expect(await stored(storage)).toMatchObject({
    entries: [],
    models: new Map([["list:1", { sequence: 2 }]]),
  });
});

test("[OB10] a page that hides stores what has changed since it last stored, however short ago that was", async () => {
  let hide = (): void => {};
  const storage = keeping({ hides: (store) => ((hide = store), () => {}) });
  const { clock, connection } = await live({ storage }, 5, "a");
  await clock.advance(1_000);
  connection.say(updateFrame("list:1", 5, [["c2", 1, "x", added("x")]]));
  await clock.advance(100);
  hide();
  await turn();
  expect((await stored(storage)).models.get("list:1")?.sequence).toBe(6);
});

test("[OB10] a page that has hidden and is shown again stores no more often than before", async () => {
  let hide = (): void => {};
  const storage = slowStorage(keeping({ hides: (store) => ((hide = store), () => {}) }));
  const { clock, connection } = await live({ storage }, 5, "a");
  await storage.landAll();
  hide();
  await turn();
  expect(models(storage.commits[0]?.changes ?? [])).toEqual([["list:1", 5]]);
  await storage.landAll();
  // The second time nobody hides it: a large model is written as seldom as its size asks for.
  const large = "x".repeat(1_000_000);
  connection.say(updateFrame("list:1", 5, [["c2", 1, "x", added(large)]]));
  await clock.advance(1_000);
  await storage.landAll();
  connection.say(updateFrame("list:1", 6, [["c2", 2, "y", added("y")]]));
  await clock.advance(2_000);
  expect(storage.commits).toEqual([]);
  await clock.advance(60_000);
  expect(models(storage.commits[0]?.changes ?? [])).toEqual([["list:1", 7]]);
});

test("[OB10] over maxModelBytes no more goes than has to, the least recently used first", async () => {
  const storage = keeping({ maxModelBytes: 4_700 });
  const setup = await live({ storage }, 5);
  await setup.clock.advance(1_000);
  for (const id of ["2", "3", "4"]) await visit(setup, id, "x".repeat(900));
  expect(await names(storage)).toEqual(["list:1", "list:3", "list:4"]);
});

test("[OB10] where nothing changes nobody looks for models to store", async () => {
  let looks = 0;
  const keep = keepModels() as NonNullable<Storage["models"]>;
  const storage = memoryStorage({
    models: (host: ModelHost) => {
      const keeper = keep(host);
      return {
        ...keeper,
        take: (all: boolean) => {
          looks++;
          return keeper.take(all);
        },
      };
    },
  });
  const { clock } = await live({ storage }, 5, "x");
  await clock.advance(5_000);
  const before = looks;
  await clock.advance(15_000);
  expect(before).toBeGreaterThan(0);
  expect(looks - before).toBeLessThanOrEqual(1);
});

test("[OB10] a model that is written again takes the room that it had, and not as much once more", async () => {
  const storage = keeping({ maxModelBytes: 3_500 });
  const { clock, connection } = await live({ storage }, 5, "x".repeat(1_000));
  await clock.advance(1_000);
  for (const after of [5, 6]) {
    connection.say(updateFrame("list:1", after, [["c2", after, `x${after}`, added("x")]]));
    await clock.advance(5_000);
    expect((await stored(storage)).models.get("list:1")?.sequence).toBe(after + 1);
  }
});
