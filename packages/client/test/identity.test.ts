// Who the client is: first identity, refusals, conflicts, reloads, and whose stored data it may touch.
import { expect, test, vi } from "vitest";
import { memoryPageStorage as memoryStorage } from "../src/storage/memory-storage.ts";
import type { PageStorage as Storage } from "../src/storage/storage.ts";
import {
  giveSnapshot,
  handshake,
  items,
  list,
  messagesIn,
  seededRandom,
  settledFrame,
  setUp,
  snapshotFrame,
  turn,
  updateFrame,
} from "./kit.ts";
import { added, live, reconnect, slowStorage } from "./live.ts";

const owner = { server: "", user: undefined };
const stored = async (storage: Storage) => storage.load(owner);
/** Another page of the same browser: other chance, same storage. */
let pages = 1;
const reload = (storage: Storage, options: Parameters<typeof setUp>[0] = {}) =>
  setUp({ storage, random: seededRandom(++pages * 7_919), ...options });

test("[CL1] what was dispatched before the first identity takes it; nothing leaves before it is durable", async () => {
  const storage = slowStorage();
  const setup = setUp({ storage });
  const topic = setup.client.topic(list, "1");
  const write = topic.dispatch(added("a"));
  await storage.landAll();
  expect(write.state).toBe("pending"); // whose it is is not known yet: stored as nobody's, a reload would never find it
  const connection = await handshake(setup);
  expect(connection.last("Hello")).not.toHaveProperty("identity");
  expect(messagesIn(connection.sent)).toEqual([]);
  expect(storage.commits.flatMap(({ changes }) => changes.map(({ type }) => type))).toEqual([
    "identity",
    "entry",
    "target",
  ]);
  await storage.landAll();
  await expect(write.queued).resolves.toBeUndefined();
  expect(messagesIn(connection.sent)).toMatchObject([{ mid: 1, id: write.id }]);
});

test("[CL1] nothing stored before the first identity comes back under an old mid", async () => {
  const storage = slowStorage();
  const setup = setUp({ storage, user: null });
  const topic = setup.client.topic(list, "1");
  const [first, , third] = [
    topic.dispatch(added("a")),
    topic.dispatch(added("b")),
    topic.dispatch(added("c")),
  ];
  await turn();
  await handshake(setup);
  first.cancel();
  third.cancel();
  await storage.landAll();
  await storage.landAll();
  const now = await storage.load({ ...owner, user: null });
  expect(now?.entries.map(({ mid, messages }) => [mid, messages])).toEqual([[1, [added("b")]]]);
});

test("[CL1] [CL55] an expired identity: what was never sent moves, what may have been sent is unknown and says so", async () => {
  const onOutcome = vi.fn();
  const setup = await live({ onOutcome });
  const sent = setup.topic.dispatch(added("sent"));
  await turn();
  setup.connection.drop();
  const never = setup.topic.dispatch(added("never sent"));
  const other = setup.client.topic(list, "2").dispatch(added("other"));
  await setup.clock.advance(1_000);
  const connection = await handshake(setup, "c2", { refused: "expired" });
  await expect(sent.applied).rejects.toMatchObject({ code: "client-expired", from: "calla" });
  expect(onOutcome.mock.calls).toMatchObject([[{ id: sent.id, is: "unknown" }]]);
  // One word for it, wherever it is told.
  expect(sent.state).toBe("unknown");
  expect(
    messagesIn(connection.sent).map(({ target, mid, id, settled }) => [target, mid, id, settled]),
  ).toEqual([
    ["list:1", 1, never.id, 0],
    ["list:2", 1, other.id, 0],
  ]);
  expect(setup.client.clientId).toBe("c2");
  await giveSnapshot(connection, "list:1", 0, items());
  connection.say(updateFrame("list:1", 0, [["c2", 1, never.id, added("never sent")]]));
  await expect(never.applied).resolves.toMatchObject({ sequence: 1 });
});

test("[CL1] the author's tag is the identity's: another client's record with one's mid is no acknowledgement", async () => {
  const { topic, connection } = await live();
  const write = topic.dispatch(added("a"));
  await turn();
  connection.say(updateFrame("list:1", 0, [["c2", 1, write.id, added("a")]]));
  connection.say(updateFrame("list:1", 1, [["c1", 1, "another id", added("a")]]));
  await turn();
  expect([write.state, topic.state.pending.length]).toEqual(["sent", 1]);
});

test("[CL17] an identity is renewed only once all that was sent under it before has an outcome, in the same transaction", async () => {
  const storage = memoryStorage();
  const setup = await live({ storage });
  const [a, b] = ["a", "b"].map((text) => setup.topic.dispatch(added(text)));
  await turn();
  setup.connection.drop();
  await setup.clock.advance(1_000);
  const connection = await handshake(setup, "c1", { secret: "newer" });
  const kept = async () => (await stored(storage))?.identity?.secret;
  await turn();
  expect(await kept()).toBe("secret of c1");
  const mine = (after: number, mid: number, id: string | undefined, text: string) =>
    connection.say(updateFrame("list:1", after, [["c1", mid, id ?? "", added(text)]]));
  await giveSnapshot(connection, "list:1", 0, items());
  mine(0, 1, a?.id, "a");
  // What was sent later is no reason to wait: the newer secret was given before.
  setup.topic.dispatch(added("c"));
  await turn();
  expect(await kept()).toBe("secret of c1");
  mine(1, 2, b?.id, "b");
  await turn();
  expect(await kept()).toBe("newer");
  // A page that went before that comes back under the older one.
  connection.drop();
  await setup.clock.advance(5_000);
  expect((await handshake(setup, "c1", { secret: "newest" })).last("Hello")).toMatchObject({
    identity: { clientId: "c1", secret: "newer" },
  });
});

test("[CL17] [CV16] without a secret in the answer the one presented goes on, also one that waits to take its place", async () => {
  const storage = memoryStorage();
  const setup = await live({ storage });
  const kept = async () => (await stored(storage))?.identity?.secret;
  setup.connection.drop();
  await setup.clock.advance(1_000);
  const second = await handshake(setup, "c1", { secret: undefined });
  await turn();
  expect(await kept()).toBe("secret of c1");
  const write = setup.topic.dispatch(added("a"));
  await turn();
  second.drop();
  await setup.clock.advance(5_000);
  const third = await handshake(setup, "c1", { secret: "newer" });
  third.drop();
  await setup.clock.advance(5_000);
  const fourth = await handshake(setup, "c1", { secret: undefined });
  await giveSnapshot(fourth, "list:1", 0, items());
  expect(await kept()).toBe("secret of c1");
  fourth.say(updateFrame("list:1", 0, [["c1", 1, write.id, added("a")]]));
  await turn();
  expect(await kept()).toBe("newer");
});

test("[TB4] [CV16] a page's storage hears once whom the server takes it for, also where the secret goes on", async () => {
  const storage = memoryStorage();
  const first = await live({ storage });
  await turn();
  await first.client.close();
  const said: unknown[] = [];
  const commit: Storage["commit"] = (changes) => {
    said.push(...changes.filter(({ type }) => type === "identity"));
    return storage.commit(changes);
  };
  const setup = reload({ ...storage, commit });
  const connection = await handshake(setup, "c1", { secret: undefined });
  await turn();
  const identity = { clientId: "c1", secret: "secret of c1", userId: null };
  expect(said).toEqual([{ type: "identity", identity }]);
  connection.drop();
  await setup.clock.advance(5_000);
  await handshake(setup, "c1", { secret: undefined });
  await turn();
  expect(said).toHaveLength(1);
});

test("[OB2] S35 after a reload no mid is used again, whatever of it had been stored, decided or rejected", async () => {
  const storage = memoryStorage();
  const first = await live({ storage });
  const [a, b] = ["a", "b", "c"].map((text) => first.topic.dispatch(added(text)));
  await turn();
  first.connection.say(updateFrame("list:1", 0, [["c1", 1, a?.id ?? "", added("a")]]));
  first.connection.say({
    type: "Rejected",
    target: "list:1",
    mid: 2,
    id: b?.id ?? "",
    from: "calla",
    code: "forbidden",
    details: {},
  });
  await first.client.close();
  expect(await stored(storage)).toMatchObject({
    targets: new Map([["list:1", { settled: 2, last: 3 }]]),
    entries: [{ mid: 3 }],
  });

  const second = reload(storage, { user: null });
  const topic = second.client.topic(list, "1");
  topic.retain();
  const write = topic.dispatch(added("d"));
  const connection = await handshake(second);
  expect(connection.last("Hello")).toMatchObject({
    identity: { clientId: "c1", secret: "secret of c1" },
    targets: [{ target: "list:1", settled: 2, sent: 4 }],
  });
  expect(messagesIn(connection.sent).map(({ mid, messages, settled }) => [mid, messages, settled])).toEqual([
    [3, [added("c")], 2],
    [4, [added("d")], 2],
  ]);
  await giveSnapshot(connection, "list:1", 1, items("a"));
  expect(topic.state.model?.items).toEqual(["a", "c", "d"]);
  connection.say({ type: "Acknowledge", target: "list:1", mid: 4, id: write.id, sequence: 3 });
  await turn();
  expect(topic.state.pending).toHaveLength(2);
});

test("[OB3] S6 the outcome of an earlier page's message reaches the hook", async () => {
  const storage = memoryStorage();
  const first = await live({ storage });
  const { id } = first.topic.dispatch(added("a"));
  await turn();
  await first.client.close();
  const onOutcome = vi.fn();
  const second = reload(storage, { onOutcome });
  const connection = await handshake(second);
  expect(messagesIn(connection.sent)).toMatchObject([{ mid: 1, id }]);
  connection.say({
    type: "Rejected",
    target: "list:1",
    mid: 1,
    id,
    from: "app",
    code: "missing",
    details: { text: "a" },
  });
  await turn();
  expect(onOutcome.mock.calls).toMatchObject([
    [
      {
        target: "list:1",
        id,
        messages: [added("a")],
        earlier: true,
        is: "rejected",
        error: { code: "missing" },
      },
    ],
  ]);
  expect((await stored(storage))?.entries).toEqual([]);
});

test("[CL8] S41 without a named user nothing stored is shown or sent before the server has named one", async () => {
  const storage = memoryStorage();
  const first = await live({ storage });
  first.topic.dispatch(added("a"));
  await turn();
  await first.client.close();
  const second = reload(storage);
  const topic = second.client.topic(list, "1");
  const mine = topic.dispatch(added("b"));
  await turn();
  expect([topic.state.pending.length, mine.state]).toEqual([1, "pending"]);
  const connection = await handshake(second);
  expect(topic.state.pending.flatMap(({ messages }) => messages)).toEqual([added("a"), added("b")]);
  expect(messagesIn(connection.sent).map(({ mid, messages }) => [mid, messages])).toEqual([
    [1, [added("a")]],
    [2, [added("b")]],
  ]);
});

test("[CL8] S3 S6 what a snapshot already holds is shown once, though the server had to name the user first", async () => {
  const storage = memoryStorage();
  const first = await live({ storage });
  const { id } = first.topic.dispatch(added("a"));
  await turn();
  await first.client.close();
  const second = reload(storage);
  const topic = second.client.topic(list, "1");
  const shown: unknown[] = [];
  topic.onChange(({ model }) => shown.push(model?.items));
  const connection = await handshake(second);
  // Otherwise the server would think that nobody waits for an outcome.
  expect(connection.last("Hello")).toMatchObject({ targets: [{ target: "list:1", settled: 0, sent: 1 }] });
  connection.say(
    settledFrame("list:1", connection.ref("list:1"), {
      sequence: 1,
      next: 2,
      outcomes: [[1, id, 1, [], null, null, null]],
      resync: "snapshot",
      reason: "first",
    }),
    snapshotFrame("list:1", 1, 10, items("a")),
  );
  await turn();
  expect([topic.state.model, topic.state.pending]).toEqual([items("a"), []]);
  expect(shown.filter((list) => list !== undefined)).toEqual([["a"]]);
});

test("[CL8] [CL40] S41 another user sees and sends nothing of the first's, whose outbox waits", async () => {
  const storage = memoryStorage();
  const first = setUp({ storage, user: "ann" });
  first.client.topic(list, "1").dispatch(added("ann's"));
  await handshake(first, "c1", { userId: "ann" });
  await first.client.close();

  const offline = reload(storage, { user: "bob", connect: false });
  await turn();
  expect([offline.client.pending, offline.client.topic(list, "1").state.pending]).toEqual([[], []]);
  await offline.client.close();

  const online = reload(storage);
  const write = online.client.topic(list, "1").dispatch(added("bob's"));
  const connection = await handshake(online, "c2", { userId: "bob", refused: "foreign" });
  expect(messagesIn(connection.sent)).toMatchObject([{ mid: 1, id: write.id }]);
  await online.client.close();

  const again = reload(storage, { user: "ann" });
  const back = await handshake(again, "c1", { userId: "ann" });
  expect(messagesIn(back.sent)).toMatchObject([{ mid: 1, messages: [added("ann's")] }]);
});

test("[OB8] S35 a conflict moves the message and what follows to a fresh identity, once nothing else is undecided", async () => {
  const setup = await live();
  const before = setup.topic.dispatch(added("before"));
  const mine = setup.topic.dispatch(added("mine"));
  const after = setup.topic.dispatch(added("after"));
  const other = setup.client.topic(list, "2").dispatch(added("other"));
  await turn();
  setup.connection.say({
    type: "Rejected",
    target: "list:1",
    mid: 2,
    id: mine.id,
    from: "calla",
    code: "mid-conflict",
    details: {},
  });
  await setup.clock.advance(1_000);
  const same = await handshake(setup);
  expect(same.last("Hello").identity).toMatchObject({ clientId: "c1" });
  expect(messagesIn(same.sent).map(({ target, mid }) => [target, mid])).toEqual([
    ["list:1", 1],
    ["list:2", 1],
  ]);
  same.say({ type: "Acknowledge", target: "list:2", mid: 1, id: other.id, sequence: 1 });
  await giveSnapshot(same, "list:1", 1, items("before"), {
    outcomes: [[1, before.id, 1, [], null, null, null]],
    next: 3,
  });
  expect(setup.topic.state.model?.items).toEqual(["before", "mine", "after"]);
  await setup.clock.advance(1_000);
  const fresh = await handshake(setup, "c2");
  expect(fresh.last("Hello")).not.toHaveProperty("identity");
  expect(messagesIn(fresh.sent).map(({ target, mid, id }) => [target, mid, id])).toEqual([
    ["list:1", 1, mine.id],
    ["list:1", 2, after.id],
  ]);
  await giveSnapshot(fresh, "list:1", 1, items("before"));
  fresh.say(
    updateFrame("list:1", 1, [
      ["c2", 1, mine.id, added("mine")],
      ["c2", 2, after.id, added("after")],
    ]),
  );
  await expect(after.applied).resolves.toMatchObject({ sequence: 3 });
  expect(setup.topic.state).toMatchObject({ model: items("before", "mine", "after"), pending: [] });
});

test("[OB8] [OB22] a conflict about a message that is not pending costs a Hello and nothing else", async () => {
  const setup = await live();
  setup.connection.say({
    type: "Rejected",
    target: "list:1",
    mid: 2,
    id: "unknown",
    from: "calla",
    code: "mid-conflict",
    details: {},
  });
  await setup.clock.advance(1_000);
  const connection = await handshake(setup);
  expect(connection.last("Hello").identity).toMatchObject({ clientId: "c1" });
});

test("[OB9] [OB24] a mid that an earlier page's storage lost goes out as void when the server waits for it", async () => {
  const storage = memoryStorage();
  await storage.load(owner);
  await storage.commit([
    { type: "identity", identity: { clientId: "c1", secret: "s", userId: null } },
    {
      type: "entry",
      entry: { target: "list:1", mid: 2, id: "two", messages: [added("b")], at: 1, version: 1 },
    },
    { type: "target", target: "list:1", settled: 0, last: 2 },
  ]);
  const setup = reload(storage, { user: null });
  const connection = await handshake(setup);
  connection.take();
  connection.say({ type: "Paused", target: "list:1", from: 1, code: "gap", retryAfter: 0 });
  await setup.clock.advance(0);
  expect(messagesIn(connection.take()).map(({ mid, messages }) => [mid, messages])).toEqual([
    [1, []],
    [2, [added("b")]],
  ]);
  connection.say({ type: "Paused", target: "list:1", from: 5, code: "gap", retryAfter: 0 });
  await setup.clock.advance(0);
  expect(messagesIn(connection.take())).toEqual([]);
});

test("[OB9] any other pause voids nothing: the mid's outcome may be known by another sending", async () => {
  const storage = memoryStorage();
  await storage.load(owner);
  await storage.commit([
    { type: "identity", identity: { clientId: "c1", secret: "s", userId: null } },
    {
      type: "entry",
      entry: { target: "list:1", mid: 1, id: "one", messages: [added("a")], at: 1, version: 1 },
    },
    { type: "target", target: "list:1", settled: 0, last: 1 },
  ]);
  const slow = slowStorage(storage);
  const setup = reload(slow, { user: null });
  const connection = await handshake(setup);
  await slow.landAll();
  connection.say({ type: "Acknowledge", target: "list:1", mid: 1, id: "one", sequence: 1 });
  connection.say({ type: "Paused", target: "list:1", from: 1, code: "busy", retryAfter: 0 });
  connection.take();
  await setup.clock.advance(0);
  expect(messagesIn(connection.take())).toEqual([]);
});

test("[OB1] a commit of a former identity makes nothing sendable under the new one", async () => {
  const storage = slowStorage();
  const setup = await live({ storage });
  await storage.landAll();
  setup.connection.drop();
  const write = setup.topic.dispatch(added("a"));
  await turn();
  const [late] = storage.commits.splice(0);
  await setup.clock.advance(1_000);
  const connection = await handshake(setup, "c2", { refused: "expired" });
  await late?.land();
  expect([write.state, messagesIn(connection.sent)]).toEqual(["pending", []]);
  await storage.landAll();
  expect(messagesIn(connection.sent)).toMatchObject([{ mid: 1, id: write.id }]);
});

test("[OB9] [OB23] what is stored under no identity waits until the first one is stored, or it could leave twice", async () => {
  const storage = slowStorage();
  const setup = setUp({ storage, user: null });
  setup.client.topic(list, "1").dispatch(added("stored"));
  await storage.landAll();
  const connection = await handshake(setup);
  setup.client.topic(list, "2").dispatch(added("not stored"));
  await turn();
  await storage.commits.shift()?.land(new Error("quota"));
  await storage.commits.shift()?.land(new Error("quota"));
  expect(messagesIn(connection.sent).map(({ target }) => target)).toEqual(["list:2"]);
  connection.take();
  await setup.clock.advance(10_000);
  await storage.landAll();
  expect(messagesIn(connection.sent).map(({ target, mid }) => [target, mid])).toContainEqual(["list:1", 1]);
  expect((await stored(storage))?.identity?.clientId).toBe("c1");
});

test("[OB9] [OB23] so does what is stored under no identity by a transaction that the first one overtook", async () => {
  const storage = slowStorage();
  const setup = setUp({ storage, user: null });
  setup.client.topic(list, "1").dispatch(added("stored"));
  await turn();
  const connection = await handshake(setup);
  await storage.commits.shift()?.land();
  await storage.commits.shift()?.land(new Error("quota"));
  expect(messagesIn(connection.sent)).toEqual([]);
  await setup.clock.advance(10_000);
  await storage.landAll();
  expect(messagesIn(connection.sent)).toMatchObject([{ target: "list:1", mid: 1 }]);
});

test("[OB9] [CL8] S41 the former user's data is kept however often the transaction fails that begins the next one's", async () => {
  const storage = slowStorage();
  const setup = setUp({ storage, user: "ann" });
  await storage.landAll();
  await handshake(setup, "c2", { userId: "bob", refused: "foreign" });
  await turn();
  for (let failures = 0; failures < 4; failures++) {
    setup.client.topic(list, "1").dispatch(added("x"));
    await turn();
    expect(storage.commits[0]?.changes).toContainEqual({ type: "begin", user: "bob", keepFormer: true });
    await storage.commits.shift()?.land(new Error("quota"));
  }
});

test("[CL1] [CL17] a renewed secret of the same client delays nothing and is stored with the last outcome", async () => {
  const storage = slowStorage();
  const setup = await live({ storage });
  const { id } = setup.topic.dispatch(added("a"));
  await storage.landAll();
  setup.connection.drop();
  await setup.clock.advance(1_000);
  const connection = await handshake(setup, "c1", { secret: "renewed" });
  expect(messagesIn(connection.sent)).toHaveLength(1);
  connection.say({ type: "Acknowledge", target: "list:1", mid: 1, id, sequence: 1 });
  await turn();
  expect(storage.commits.map(({ changes }) => changes)).toMatchObject([
    [
      { type: "outcome", mid: 1 },
      { type: "identity", identity: { clientId: "c1", secret: "renewed", userId: null } },
      { type: "target" },
    ],
  ]);
});

test("[OB9] [OB25] S19 a storage that cannot be read is reported, and the client works without what was in it", async () => {
  const storage: Storage = { ...memoryStorage(), load: () => Promise.reject(new Error("private mode")) };
  const setup = setUp({ storage });
  const write = setup.client.topic(list, "1").dispatch(added("a"));
  const connection = await handshake(setup);
  expect(setup.errors).toMatchObject([{ code: "storage" }]);
  expect(messagesIn(connection.sent)).toMatchObject([{ mid: 1, id: write.id }]);
});

test("[CL1] the identity is presented again on every Hello of the page", async () => {
  const setup = await live();
  const connection = await reconnect(setup);
  expect(connection.last("Hello").identity).toEqual({ clientId: "c1", secret: "secret of c1" });
});
