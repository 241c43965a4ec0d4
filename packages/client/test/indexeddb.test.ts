// What IndexedDB adds to the contract: values, whoever took a client last, failures and what is told of them.
import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { automatic, defineClass, defineTopic, defineWiring, json } from "@calla/shared";
import * as z from "zod";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { createClient } from "../src/client.ts";
import { memoryLocks } from "../src/tabs/memory-locks.ts";
import { locksOf } from "../src/tabs/web-locks.ts";
import type { Locks } from "../src/tabs/locks.ts";
import { indexedDb } from "../src/tabs/stores/indexeddb.ts";
import { inside } from "../src/storage/storage.ts";
import type { StorageChange } from "../src/storage/storage.ts";
import { FakeServer, handshake, list, messagesIn, setUp, turn, VirtualClock } from "./kit.ts";
import { added } from "./live.ts";

const owner = { server: "", user: null };
const entry = (mid: number): StorageChange => ({
  type: "entry",
  entry: { target: "t", mid, id: `id${mid}`, messages: [{ type: "m" }], at: 1, version: 1 },
});
let locks = memoryLocks();
beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
  locks = memoryLocks();
});
const open = (page: Locks = locks.page()) => inside(indexedDb("test", { locks: page, openTimeout: 200 }));

class Point {
  readonly x: number;
  constructor(x: number) {
    this.x = x;
  }
}
const point = defineClass("Point", Point, { encode: ({ x }) => x, decode: (x: number) => new Point(x) });
const value = {
  point: new Point(-0),
  missing: [undefined, Number.NaN, -0, -Infinity],
  text: "\ud800 half \u2028",
  map: new Map<unknown, unknown>([[new Date(5), new Set([1n])]]),
  bytes: new Uint8Array([1, 2]),
  $: "not a tag",
};

test("[TB2] S45 every value of the domain comes back from the outbox: classes, -0, undefined, lone surrogates", async () => {
  const anything = defineTopic("any:*", {
    model: z.object({ last: z.any() }),
    initial: () => ({ last: null }),
    messages: { set: z.object({ value: z.any() }) },
    update: { set: (_, { value: last }) => ({ last }) },
  });
  const wiring = defineWiring({ topics: [anything] });
  const serialiser = automatic(json()).with({ classes: [point] });
  const page = () =>
    createClient({
      wiring,
      serialiser,
      transport: new FakeServer().transport,
      storage: open(),
      user: null,
      onError: (error) => expect.unreachable(String(error)),
    });
  const first = page();
  await first.topic(anything, "1").dispatch({ type: "set", value }).queued;
  await first.close();
  const second = page();
  await expect.poll(() => second.topic(anything, "1").state.pending.length).toBe(1);
  const [pending] = second.topic(anything, "1").state.pending;
  expect(pending?.messages).toEqual([{ type: "set", value }]);
  expect(pending).toMatchObject({ messages: [{ value: { point: expect.any(Point) } }] });
  await second.close();
});

const reasons = (errors: readonly unknown[]): unknown[] =>
  errors.map((error) => (error as { details?: { reason?: unknown } }).details?.reason);
/** A client over IndexedDB before a fake server. */
const page = (storage = open(), options: Parameters<typeof setUp>[0] = {}) =>
  setUp({ storage, user: null, ...options });
/** Waits for what real time does: fake-indexeddb answers in macrotasks. */
const soon = async (): Promise<void> => {
  for (let i = 0; i < 40; i++) await turn();
};

test("[TB3] S18 who took a client last is the only one who writes it, whatever the locks say", async () => {
  const [first, second] = [open(memoryLocks().page()), open(memoryLocks().page())];
  await first.load(owner);
  await first.commit([entry(1)]);
  await second.load(owner);
  await expect(first.commit([entry(2)])).rejects.toMatchObject({ details: { reason: "taken" } });
  await second.commit([entry(3)]);
  // Not even under another name: two outboxes with the same messages would be sent twice.
  await expect(
    first.commit([{ type: "begin", user: null, keepFormer: false }, entry(2)]),
  ).rejects.toMatchObject({
    details: { reason: "taken" },
  });
  await second.close();
  const third = open(memoryLocks().page());
  expect((await third.load(owner))?.entries.map(({ mid }) => mid)).toEqual([1, 3]);
});

test("[TB3] S18 what moves to a fresh identity moves only if nobody has taken the former meanwhile", async () => {
  for (const keepFormer of [false, true]) {
    globalThis.indexedDB = new IDBFactory();
    const [first, second] = [open(memoryLocks().page()), open(memoryLocks().page())];
    await first.load(owner);
    await first.commit([entry(1)]);
    await second.load(owner);
    await expect(first.commit([{ type: "begin", user: null, keepFormer }, entry(1)])).rejects.toMatchObject({
      details: { reason: "taken" },
    });
    await second.close();
    await first.close();
    const pages = [open(memoryLocks().page()), open(memoryLocks().page())];
    expect((await pages[0]!.load(owner))?.entries.map(({ mid }) => mid)).toEqual([1]);
  }
});

test("[TB8] a commit that fails in its middle leaves nothing of itself", async () => {
  const storage = open();
  await storage.load(owner);
  await storage.commit([entry(1)]);
  const broken = { ...entry(2), entry: { ...(entry(2) as { entry: object }).entry, messages: [() => {}] } };
  await expect(storage.commit([entry(3), broken as StorageChange])).rejects.toMatchObject({
    code: "storage",
  });
  await storage.commit([entry(4)]);
  await storage.close();
  expect((await open().load(owner))?.entries.map(({ mid }) => mid)).toEqual([1, 4]);
});

test("[TB10] S19 data that the browser has deleted is reported, and written anew", async () => {
  const setup = page();
  const first = setup.client.topic(list, "1").dispatch(added("a"));
  await first.queued;
  await setup.client.topic(list, "1").dispatch(added("b")).queued;
  const database = await new Promise<IDBDatabase>((resolve) => {
    const request = indexedDB.open("calla test");
    request.onsuccess = () => resolve(request.result);
  });
  const wipe = database.transaction([...database.objectStoreNames], "readwrite");
  for (const name of database.objectStoreNames) wipe.objectStore(name).clear();
  await new Promise((resolve) => (wipe.oncomplete = resolve));
  database.close();
  const third = setup.client.topic(list, "1").dispatch(added("c"));
  await expect(third.queued).rejects.toMatchObject({ details: { reason: "evicted" } });
  await setup.client.topic(list, "1").dispatch(added("d")).queued;
  await setup.client.close();
  const found = await open().load(owner);
  expect(found?.entries.map(({ messages: [message] }) => (message as { text: string }).text)).toEqual([
    "a",
    "b",
    "c",
    "d",
  ]);
  expect(reasons(setup.errors)).toEqual(["evicted"]);
});

for (const [what, arrange, reason] of [
  ["there is no IndexedDB", () => Reflect.deleteProperty(globalThis, "indexedDB"), "unavailable"],
  [
    "opening it is forbidden",
    () => {
      globalThis.indexedDB.open = () => {
        throw new DOMException("private mode", "SecurityError");
      };
    },
    "unavailable",
  ],
  ["a newer page has changed its form", () => void indexedDB.open("calla test", 99), "newer"],
  [
    "it never opens",
    // Another page keeps it open while somebody wants it deleted: whoever comes later waits.
    async () => {
      const request = indexedDB.open("calla test", 1);
      await new Promise((resolve) => (request.onsuccess = resolve));
      indexedDB.deleteDatabase("calla test");
    },
    "blocked",
  ],
] as const) {
  test(`[TB9] [OB9] S19 ${what}: the app is told why, queued rejects, messages go out, and on and on`, async () => {
    await arrange();
    const setup = page();
    const topic = setup.client.topic(list, "1");
    const write = topic.dispatch(added("a"));
    await expect(write.queued).rejects.toMatchObject({ code: "storage", details: { reason } });
    const connection = await handshake(setup, "c1", { maxInFlight: 2 });
    // Far more than may be undecided at once: what the server may forget is said, though nothing is stored.
    for (let mid = 1; mid <= 6; mid++) {
      const { id, settled } = messagesIn(connection.sent).at(-1)!;
      expect(settled).toBe(mid - 1);
      connection.say({ type: "Acknowledge", target: "list:1", mid, id, sequence: mid });
      await turn();
      if (mid < 6) topic.dispatch(added(`${mid}`));
      await turn();
    }
    expect(reasons(setup.errors)).toEqual([reason]);
  });
}

test("[TB9] S19 without Web Locks tabs cannot be told apart: the app is told, and nothing is stored", async () => {
  const setup = page(inside(indexedDb("test", {})));
  expect(() => locksOf(undefined)).toThrow(/HTTPS/);
  const write = setup.client.topic(list, "1").dispatch(added("a"));
  await expect(write.queued).rejects.toMatchObject({ details: { reason: "locks" } });
  expect(reasons(setup.errors)).toEqual(["locks"]);
});

/** Transactions that want to write more than so many entries fail, as on a full disk. */
function fillUp(refuses: (key: string) => boolean): void {
  const put = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = function (this: IDBObjectStore, stored: unknown, key?: IDBValidKey) {
    if (refuses(String(key))) throw new DOMException("full", "QuotaExceededError");
    return put.call(this, stored, key);
  };
  onTestFinished(() => void (IDBObjectStore.prototype.put = put));
}

test("[TB6] S19 on a full disk models go first, and messages are kept; the app is told once", async () => {
  const storage = open();
  const told: unknown[] = [];
  const host = {
    clock: new VirtualClock(),
    serialiser: automatic(json()),
    report: (error: unknown) => told.push(error),
    flush: () => expect.unreachable(),
  };
  await storage.load(owner, host);
  const model = (target: string) =>
    ({ type: "model", target, model: { version: 1, model: {}, sequence: 5, mark: 1, usedAt: 0 } }) as const;
  await storage.commit([model("t"), entry(1)]);
  await storage.commit([{ type: "outcome", target: "t", mid: 1, sequence: 9 }]);
  const remove = IDBObjectStore.prototype.delete;
  let room = false;
  IDBObjectStore.prototype.delete = function (this: IDBObjectStore, key: IDBValidKey | IDBKeyRange) {
    room ||= String(key).includes("/model/");
    return remove.call(this, key);
  };
  onTestFinished(() => void (IDBObjectStore.prototype.delete = remove));
  fillUp((key) => key.includes("/entry/") && !room);
  await storage.commit([entry(2)]);
  await storage.commit([entry(3)]);
  // Full a second time.
  await storage.commit([model("u")]);
  room = false;
  await storage.commit([entry(4)]);
  await storage.close();
  const found = await open().load(owner);
  expect([found?.entries.map(({ mid }) => mid), found?.models.size]).toEqual([[2, 3, 4], 0]);
  expect(reasons(told)).toEqual(["quota"]);
});

test("[TB6] S19 models that have gone make no room a second time: a disk that stays full is asked once a commit", async () => {
  const storage = open();
  await storage.load(owner);
  const model = { version: 1, model: {}, sequence: 5, mark: 1, usedAt: 0 };
  await storage.commit([{ type: "model", target: "t", model }, entry(1)]);
  const remove = IDBObjectStore.prototype.delete;
  let dropped = 0;
  IDBObjectStore.prototype.delete = function (this: IDBObjectStore, key: IDBValidKey | IDBKeyRange) {
    if (String(key).includes("/model/")) dropped++;
    return remove.call(this, key);
  };
  onTestFinished(() => void (IDBObjectStore.prototype.delete = remove));
  fillUp((key) => key.includes("/entry/"));
  for (const mid of [2, 3, 4])
    await expect(storage.commit([entry(mid)])).rejects.toMatchObject({ details: { reason: "quota" } });
  expect(dropped).toBe(1);
});

test("[OB9] S19 where even a message does not fit, queued rejects, it is sent, and stored when there is room", async () => {
  const setup = page();
  await soon();
  const connection = await handshake(setup);
  await soon();
  let full = true;
  fillUp((key) => full && key.includes("/entry/"));
  const write = setup.client.topic(list, "1").dispatch(added("a"));
  await expect(write.queued).rejects.toMatchObject({ details: { reason: "quota" } });
  await soon();
  expect(messagesIn(connection.sent)).toMatchObject([{ id: write.id }]);
  full = false;
  await setup.clock.advance(10_000);
  await soon();
  await setup.client.close();
  expect((await open().load(owner))?.entries).toMatchObject([{ id: write.id }]);
  expect(reasons(setup.errors)).toEqual(["quota"]);
});

test("[TB9] [TB17] a newer page that changes the database need not wait for this one, whose commits then fail", async () => {
  const storage = open();
  await storage.load(owner);
  await storage.commit([entry(1)]);
  const version = await new Promise((resolve, reject) => {
    const request = indexedDB.open("calla test", 99);
    request.addEventListener("blocked", () => reject(new Error("it has to wait")));
    request.addEventListener("success", () => resolve(request.result.version));
  });
  expect(version).toBe(99);
  await expect(storage.commit([entry(2)])).rejects.toMatchObject({ details: { reason: "newer" } });
});

test("[TB1] S20 clients of several servers in one page each find their own again, though their page still holds it", async () => {
  const kept = new Map<string, string>();
  const leaving: (() => void)[] = [];
  vi.stubGlobal("sessionStorage", {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  });
  vi.stubGlobal("addEventListener", (type: string, run: () => void) => {
    if (type === "pagehide") leaving.push(run);
  });
  onTestFinished(() => void vi.unstubAllGlobals());
  const before = locks.page();
  for (const server of ["one", "two"]) {
    const { client } = page(open(before), { server, connect: false });
    await client.topic(list, "1").dispatch(added(server)).queued;
  }
  for (const leave of leaving) leave();
  const after = locks.page();
  const clock = new VirtualClock();
  const next = ["one", "two"].map((server) => page(open(after), { server, connect: false, clock }).client);
  await soon();
  before.end();
  for (let i = 0; i < 5; i++) {
    await clock.advance(50);
    await soon();
  }
  expect(next.map((client) => client.pending.flatMap(({ messages }) => messages))).toEqual([
    [added("one")],
    [added("two")],
  ]);
});

// ---------------------------------------------------------------------------------------- connections that are dead

/** What kills a connection: from then on its transactions throw, or end so, and a new connection works. */
const deaths: Readonly<Record<string, (real: IDBDatabase["transaction"]) => IDBDatabase["transaction"]>> = {
  ...Object.fromEntries(
    ["InvalidStateError", "UnknownError", "AbortError", "TimeoutError", "NotFoundError"].map((name) => [
      `transaction() throws ${name}`,
      () => () => {
        throw new DOMException("Connection to Indexed Database server lost.", name);
      },
    ]),
  ),
  "requests end with UnknownError": (real) =>
    function (this: IDBDatabase, ...given) {
      const transaction = real.apply(this, given);
      transaction.objectStore = () => {
        throw new DOMException("Attempt to get a record failed.", "UnknownError");
      };
      return transaction;
    },
  "transactions end with an abort": (real) =>
    function (this: IDBDatabase, ...given) {
      const transaction = real.apply(this, given);
      queueMicrotask(() => transaction.abort());
      return transaction;
    },
  // The process died behind the commit: all of it is there, and nobody says so.
  "transactions end with an abort, though all was done": (real) =>
    function (this: IDBDatabase, ...given) {
      const transaction = real.apply(this, given);
      const add = transaction.addEventListener.bind(transaction);
      transaction.addEventListener = (type: string, heard: EventListenerOrEventListenerObject) => {
        if (type === "complete") return;
        add(type === "abort" ? "complete" : type, heard);
      };
      return transaction;
    },
};

/** Kills every connection there is so far; returns how often one was used since. */
function killer() {
  const real = IDBDatabase.prototype.transaction;
  onTestFinished(() => void (IDBDatabase.prototype.transaction = real));
  const killed = new Map<IDBDatabase, IDBDatabase["transaction"]>();
  const seen = new Set<IDBDatabase>();
  IDBDatabase.prototype.transaction = function (this: IDBDatabase, ...given) {
    seen.add(this);
    return (killed.get(this) ?? real).apply(this, given);
  };
  return {
    kill(death: keyof typeof deaths): void {
      for (const database of seen) killed.set(database, deaths[death]!(real));
    },
    get connections(): number {
      return seen.size;
    },
  };
}

test.each(Object.keys(deaths))(
  "[TB12] %s: the next commit goes over a new connection, and so after the next death; nothing is lost or told",
  async (death) => {
    const setup = page();
    const topic = setup.client.topic(list, "1");
    const connections = killer();
    await topic.dispatch(added("0")).queued;
    for (let i = 1; i <= 3; i++) {
      connections.kill(death);
      await topic.dispatch(added(`${i}`)).queued;
      await topic.dispatch(added(`${i}b`)).queued;
      expect(connections.connections).toBe(i + 1);
    }
    expect([setup.errors, setup.client.status.storage]).toEqual([[], "working"]);
    // What was given up is closed: a newer page need not wait for it.
    const newer = await new Promise((resolve, reject) => {
      const request = indexedDB.open("calla test", 99);
      request.addEventListener("blocked", () => reject(new Error("it has to wait")));
      request.addEventListener("success", () => resolve(request.result.version));
    });
    expect(newer).toBe(99);
  },
);

test.each(Object.keys(deaths))(
  "[TB12] [OB12] [TB18] %s: forgetting, and becoming another, is done once",
  async (death) => {
    const connections = killer();
    const storage = open();
    await storage.load(owner);
    await storage.commit([entry(1)]);
    connections.kill(death);
    await storage.commit([{ type: "begin", user: null, keepFormer: false }, entry(2)]);
    connections.kill(death);
    await storage.commit([{ type: "outcome", target: "t", mid: 2, sequence: 3 }, entry(4)]);
    await storage.close();
    const second = open();
    expect((await second.load(owner))?.entries.map(({ mid }) => mid)).toEqual([4]);
    connections.kill(death);
    await second.commit([{ type: "forget" }]);
    await second.close();
    const third = open();
    expect(await third.load(owner)).toBeUndefined();
    await third.commit([entry(5)]);
    connections.kill(death);
    expect(await third.forgetEveryone?.()).toBe(1);
    await third.close();
    expect(await open().load(owner)).toBeUndefined();
  },
);

test("[TB12] a database that does not open at the first try is opened at the second; at no later one", async () => {
  const real = globalThis.indexedDB.open.bind(globalThis.indexedDB);
  let failures = 1;
  let tries = 0;
  globalThis.indexedDB.open = (...given) => {
    tries++;
    if (failures-- > 0) throw new DOMException("Connection to Indexed Database server lost.", "UnknownError");
    return real(...given);
  };
  const storage = open();
  await storage.load(owner);
  await storage.commit([entry(1)]);
  await storage.close();
  expect(tries).toBe(2);
  failures = 2;
  await expect(open().load(owner)).rejects.toMatchObject({ details: { reason: "unavailable" } });
  expect(tries).toBe(4);
});

test("[TB12] [TB18] a connection that dies again at once costs its commit, which says so, and no later one", async () => {
  const setup = page();
  const topic = setup.client.topic(list, "1");
  await topic.dispatch(added("0")).queued;
  const real = IDBDatabase.prototype.transaction;
  let deaths = 2;
  onTestFinished(() => void (IDBDatabase.prototype.transaction = real));
  IDBDatabase.prototype.transaction = function (this: IDBDatabase, ...given) {
    if (deaths-- > 0) throw new DOMException("lost", "UnknownError");
    return real.apply(this, given);
  };
  await expect(topic.dispatch(added("1")).queued).rejects.toMatchObject({ details: { reason: "failed" } });
  await topic.dispatch(added("2")).queued;
  await setup.client.close();
  const found = await open().load(owner);
  expect(found?.entries.map(({ messages: [message] }) => (message as { text: string }).text)).toEqual([
    "0",
    "1",
    "2",
  ]);
  expect(reasons(setup.errors)).toEqual(["failed"]);
});

test("[TB12] what the app or a full disk is to blame for is not tried again", async () => {
  const storage = open();
  await storage.load(owner);
  const transaction = vi.spyOn(IDBDatabase.prototype, "transaction");
  onTestFinished(() => transaction.mockRestore());
  const broken = { ...entry(2), entry: { ...(entry(2) as { entry: object }).entry, messages: [() => {}] } };
  await expect(storage.commit([broken as StorageChange])).rejects.toMatchObject({ code: "storage" });
  expect(transaction).toHaveBeenCalledTimes(1);
  fillUp(() => true);
  await expect(storage.commit([entry(3)])).rejects.toMatchObject({ details: { reason: "quota" } });
  expect(transaction).toHaveBeenCalledTimes(2);
});
