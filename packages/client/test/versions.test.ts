// Another version: what becomes of what an older page has stored, who is told of newer ones, and that nobody reloads in
// a loop.
import { defineTopic, defineWiring, hashValue } from "@calla/shared";
import type { Wiring } from "@calla/shared";
import { describe, expect, test, vi } from "vitest";
import * as z from "zod";
import { reloadOnce } from "../src/reload.ts";
import type { Versions } from "../src/engine/records.ts";
import { memoryPageStorage as memoryStorage } from "../src/storage/memory-storage.ts";
import { keepModels } from "../src/storage/kept-models.ts";
import type { PageStorage as Storage } from "../src/storage/storage.ts";
import {
  giveSnapshot,
  handshake,
  list,
  messagesIn,
  seededRandom,
  setUp,
  settledFrame,
  snapshotFrame,
  turn,
  updateFrame,
  wiring,
} from "./kit.ts";
import { added } from "./live.ts";

/** The list of the kit, two versions later: rows in place of items, `put` in place of `added`, nothing explodes. */
const asOfNow = defineTopic("list:*", {
  version: 3,
  model: z.object({ rows: z.array(z.string()) }),
  initial: () => ({ rows: [] }),
  messages: { put: z.object({ row: z.string() }), stamped: z.object({}) },
  update: { put: ({ rows }, { row }) => ({ rows: [...rows, row] }), stamped: (list) => list },
  migrate: {
    1: {
      model({ items }: { items: readonly string[] }) {
        if (items.includes("throws")) throw new Error("cannot migrate");
        return (items.includes("nonsense") ? { rows: 3 } : { rows: [...items] }) as { rows: string[] };
      },
      message(old, { drop }) {
        if (old.type === "exploded") return drop("nothing explodes any more");
        if (old.type === "removed") throw new Error("not migrated");
        return old.type === "added" ? { type: "put", row: String(old["text"]) } : (old as never);
      },
    },
  },
});
const newWiring = defineWiring({ topics: [asOfNow] });
/** By the names that this test file knows, which are the older version's. */
const later = asOfNow as unknown as typeof list;
let pages = 1;
const page = (storage: Storage, table: Wiring = wiring, more: Parameters<typeof setUp>[0] = {}) =>
  setUp({
    storage,
    user: null,
    random: seededRandom(++pages * 7_919),
    ...more,
    wiring: table as typeof wiring,
  });
const newPage = (storage: Storage, more: Parameters<typeof setUp>[0] = {}) =>
  page(storage, newWiring as Wiring, more);

/** A storage in which a page of version 1 has left these, unsent unless `online`. */
async function left(messages: readonly unknown[], { online = false } = {}) {
  const storage = memoryStorage();
  const old = page(storage);
  const topic = old.client.topic(list, "1");
  if (online) await handshake(old);
  const ids = messages.map((message) => topic.dispatch(message as never).id);
  await turn();
  await old.client.close();
  return { storage, ids };
}
const outcome = (ids: readonly string[], what: readonly (readonly [number, number | string])[]) =>
  what.map(
    ([mid, is]) =>
      [
        mid,
        ids[mid - 1]!,
        typeof is === "number" ? is : 0,
        [],
        typeof is === "number" ? null : "calla",
        typeof is === "number" ? null : is,
        null,
      ] as const,
  );

describe("[VE7] what an older page has stored", () => {
  test("S11 an old queue is migrated when a new page loads it; mids and ids are kept", async () => {
    const { storage, ids } = await left([added("a"), [added("b"), added("c")], { type: "stamped" }]);
    const setup = newPage(storage);
    const topic = setup.client.topic(later, "1");
    topic.onChange(() => {});
    const connection = await handshake(setup);
    expect(connection.last("Hello").slices).toEqual({ "list:*": 3 });
    expect(messagesIn(connection.sent)).toMatchObject([
      { mid: 1, id: ids[0], messages: [{ type: "put", row: "a" }] },
      {
        mid: 2,
        id: ids[1],
        messages: [
          { type: "put", row: "b" },
          { type: "put", row: "c" },
        ],
      },
      { mid: 3, id: ids[2], messages: [{ type: "stamped" }] },
    ]);
    await giveSnapshot(connection, "list:1", 4, { rows: ["x"] });
    expect(topic.state).toMatchObject({ model: { rows: ["x", "a", "b", "c"] } });
    const shown = [{ messages: [{ type: "put", row: "a" }] }, {}, { messages: [{ type: "stamped" }] }];
    expect(topic.state.pending).toMatchObject(shown);
    expect(setup.client.pending).toMatchObject(shown);
    expect(setup.errors).toEqual([]);
  });

  test("[VE14] S11 what means nothing any more goes out as void, its author hears the reason, and nothing waits behind it", async () => {
    const onOutcome = vi.fn();
    const { storage, ids } = await left([
      { type: "exploded", when: "now" },
      [added("a"), { type: "exploded", when: "now" }],
      { type: "removed", text: "a" },
      added("b"),
    ]);
    const setup = newPage(storage, { onOutcome });
    const topic = setup.client.topic(later, "1");
    topic.onChange(() => {});
    const connection = await handshake(setup);
    expect(messagesIn(connection.sent)).toMatchObject([
      { mid: 1, id: ids[0], messages: [] },
      { mid: 2, id: ids[1], messages: [] },
      { mid: 3, id: ids[2], messages: [] },
      { mid: 4, id: ids[3], messages: [{ type: "put", row: "b" }] },
    ]);
    await giveSnapshot(connection, "list:1", 1, { rows: [] });
    expect(topic.state).toMatchObject({ model: { rows: ["b"] }, pending: [{ id: ids[3] }] });
    for (const mid of [1, 2, 3])
      connection.say({
        type: "Rejected",
        target: "list:1",
        mid,
        id: ids[mid - 1]!,
        from: "calla",
        code: "cancelled",
        details: {},
      });
    await turn();
    expect(
      onOutcome.mock.calls.map(([{ id, messages, error }]) => [id, messages, error.from, error.code]),
    ).toEqual([
      [ids[0], [{ type: "exploded", when: "now" }], "calla", "version"],
      [ids[1], [added("a"), { type: "exploded", when: "now" }], "calla", "version"],
      [ids[2], [{ type: "removed", text: "a" }], "calla", "version"],
    ]);
    expect(onOutcome.mock.calls[0]![0].error.details).toEqual({
      from: 1,
      version: 3,
      reason: "nothing explodes any more",
    });
    expect(String(onOutcome.mock.calls[2]![0].error.cause)).toContain("not migrated");
    expect(setup.client.pending).toHaveLength(1);
  });

  test("[VE14] S11 S36 what was applied before the reload is applied, although it means nothing any more", async () => {
    const onOutcome = vi.fn();
    const { storage, ids } = await left(
      [
        { type: "exploded", when: "now" },
        { type: "exploded", when: "then" },
      ],
      {
        online: true,
      },
    );
    const setup = newPage(storage, { onOutcome });
    setup.client.topic(later, "1").onChange(() => {});
    const connection = await handshake(setup);
    expect(messagesIn(connection.sent)).toMatchObject([{ messages: [] }, { messages: [] }]);
    connection.say(
      settledFrame("list:1", connection.ref("list:1"), {
        sequence: 3,
        next: 3,
        resync: "current",
        outcomes: outcome(ids, [
          [1, 2],
          [2, "forbidden"],
        ]),
      }),
    );
    await turn();
    expect(onOutcome.mock.calls.map(([{ id, is, error }]) => [id, is, error?.code])).toEqual([
      [ids[0], "applied", undefined],
      [ids[1], "rejected", "forbidden"],
    ]);
    expect(setup.client.pending).toEqual([]);
  });

  test("[VE14] S11 a newer page's queue is refused with a code by an older page, and not taken for something else", async () => {
    const onOutcome = vi.fn();
    const storage = memoryStorage();
    const ahead = newPage(storage);
    const write = ahead.client.topic(later, "1").dispatch({ type: "stamped" } as never);
    await turn();
    await ahead.client.close();
    const setup = page(storage, wiring, { onOutcome });
    const connection = await handshake(setup);
    expect(messagesIn(connection.sent)).toMatchObject([{ mid: 1, id: write.id, messages: [] }]);
    connection.say({
      type: "Rejected",
      target: "list:1",
      mid: 1,
      id: write.id,
      from: "calla",
      code: "cancelled",
      details: {},
    });
    await turn();
    expect(onOutcome.mock.calls.map(([{ error }]) => [error.code, error.details.reason])).toEqual([
      ["version", "it is of a newer version"],
    ]);
  });

  test("S11 a new page at an old server flushes nothing and keeps trying; its queue leaves when a new one is there", async () => {
    const { storage } = await left([added("a")]);
    const setup = newPage(storage);
    await turn();
    const { connection } = setup.server;
    connection.open();
    await turn();
    connection.say({ type: "Version", protocol: 1, slices: { "list:*": 1 }, terminal: false });
    await turn();
    expect(messagesIn(connection.sent)).toEqual([]);
    expect(setup.client.status).toMatchObject({ connection: "waiting", reason: "version" });
    await setup.clock.advance(1_000);
    const next = await handshake(setup);
    expect(next).not.toBe(connection);
    expect(messagesIn(next.sent)).toMatchObject([{ messages: [{ type: "put", row: "a" }] }]);
  });
});

describe("[VE7] [OB10] a model that an older page has stored", () => {
  const modelsOf = async (storage: Storage) => (await storage.load({ server: "", user: undefined }))!.models;
  /** A storage in which a page of version 1 has left a list at sequence 5, and maybe a message that the list lacks. */
  async function leftAt5(items: readonly string[], { mine }: { mine?: string } = {}) {
    const storage = memoryStorage({
      models: keepModels({ hides: () => () => {} }),
    });
    const old = page(storage);
    const topic = old.client.topic(list, "1");
    topic.onChange(() => {});
    const connection = await handshake(old);
    await giveSnapshot(connection, "list:1", 5, { items, stamp: 0 });
    await old.clock.advance(1_000);
    if (mine !== undefined) {
      const { id } = topic.dispatch(added(mine));
      await turn();
      connection.say(updateFrame("list:1", 5, [["c1", 1, id, added(mine)]]));
      await turn();
      return { storage }; // and then it crashed
    }
    await old.client.close();
    return { storage };
  }

  test("[VE15] S38 S6 is shown in this page's version, offline too, with what is pending on top; its cursor stays", async () => {
    const { storage } = await leftAt5(["a", "b"]);
    const setup = newPage(storage);
    const topic = setup.client.topic(later, "1");
    topic.onChange(() => {});
    await turn();
    expect(topic.state).toMatchObject({ status: "stale", model: { rows: ["a", "b"] }, pending: [] });
    const write = topic.dispatch({ type: "put", row: "c" } as never);
    expect(topic.state.model).toEqual({ rows: ["a", "b", "c"] });
    const connection = await handshake(setup);
    expect(connection.last("Hello").targets).toMatchObject([{ cursor: { sequence: 5, mark: 50 } }]);
    // What the server has made of it is another place, and may be another model: that is what counts.
    const ref = connection.ref("list:1");
    connection.say(settledFrame("list:1", ref, { sequence: 6, resync: "snapshot", reason: "reset" }));
    connection.say({ ...snapshotFrame("list:1", 6, 60, { rows: ["a", "b", "theirs"] }), version: 3 });
    connection.say(updateFrame("list:1", 6, [["c1", 1, write.id, { type: "put", row: "c" } as never]]));
    await turn();
    expect(topic.state).toMatchObject({
      status: "live",
      model: { rows: ["a", "b", "theirs", "c"] },
      pending: [],
    });
    await setup.clock.advance(1_000);
    expect((await modelsOf(storage)).get("list:1")).toMatchObject({ version: 3, sequence: 7 });
    expect(setup.errors).toEqual([]);
  });

  test("[VE16] S38 nothing is folded onto it: an update that goes on from its place is no answer", async () => {
    const { storage } = await leftAt5(["a"]);
    const setup = newPage(storage);
    const topic = setup.client.topic(later, "1");
    topic.onChange(() => {});
    const connection = await handshake(setup);
    connection.say(updateFrame("list:1", 5, [["c2", 1, "x", { type: "put", row: "x" } as never]]));
    await turn();
    expect(topic.state).toMatchObject({ status: "stale", model: { rows: ["a"] } });
  });

  test("S44 with a message of one's own on top that it lacks, migrated as well, shown once", async () => {
    const { storage } = await leftAt5(["a"], { mine: "mine" });
    const setup = newPage(storage);
    const topic = setup.client.topic(later, "1");
    topic.onChange(() => {});
    await turn();
    expect(topic.state).toMatchObject({ status: "stale", model: { rows: ["a", "mine"] } });
    const connection = await handshake(setup);
    const ref = connection.ref("list:1");
    connection.say(settledFrame("list:1", ref, { sequence: 7, resync: "snapshot", reason: "reset" }));
    connection.say({ ...snapshotFrame("list:1", 7, 70, { rows: ["a", "mine"] }), version: 3 });
    await turn();
    expect(topic.state).toMatchObject({ status: "live", model: { rows: ["a", "mine"] }, pending: [] });
    expect(messagesIn(connection.sent)).toEqual([]);
  });

  test("S38 without a named user it is shown once the server has named one", async () => {
    const { storage } = await leftAt5(["a"]);
    const setup = newPage(storage, { user: undefined as never });
    const topic = setup.client.topic(later, "1");
    topic.onChange(() => {});
    await turn();
    expect(topic.state.status).toBe("loading");
    const connection = await handshake(setup);
    expect(topic.state).toMatchObject({ status: "stale", model: { rows: ["a"] } });
    await giveSnapshot(connection, "list:1", 6, { rows: ["a"] });
    expect(topic.state).toMatchObject({ status: "live", model: { rows: ["a"] } });
  });

  test.each([
    ["its migration throws", ["throws"], newPage, later],
    ["its migration gives no model", ["nonsense"], newPage, later],
  ] as const)("goes where %s, and is fetched", async (_, items, open, slice) => {
    const { storage } = await leftAt5(items);
    const setup = open(storage);
    const topic = setup.client.topic(slice, "1");
    topic.onChange(() => {});
    const connection = await handshake(setup);
    expect(topic.state.status).toBe("loading");
    expect(connection.last("Hello").targets[0]).not.toHaveProperty("cursor");
    await turn();
    expect((await modelsOf(storage)).size).toBe(0);
  });

  test("[VE15] a newer page's is not shown by an older one, and goes", async () => {
    const { storage } = await leftAt5(["a"]);
    const young = newPage(storage);
    young.client.topic(later, "1").onChange(() => {});
    await giveSnapshot(await handshake(young), "list:1", 6, { rows: ["a"] });
    await young.clock.advance(1_000);
    await young.client.close();
    const old = page(storage);
    const topic = old.client.topic(list, "1");
    topic.onChange(() => {});
    await turn();
    expect(topic.state.status).toBe("loading");
    await turn();
    expect((await modelsOf(storage)).size).toBe(0);
  });
});

describe("being told of a newer version", () => {
  const newer: Versions = { protocol: 1, slices: { "list:*": 2 } };

  test("[VE4] [CL12] [CL47] of one topic: the app hears it, the topic is asked for again, the rest goes on", async () => {
    const onVersionMismatch = vi.fn();
    const setup = setUp({ onVersionMismatch });
    const topic = setup.client.topic(list, "1");
    topic.onChange(() => {});
    const connection = await handshake(setup);
    await giveSnapshot(connection, "list:1", 1, { items: ["a"], stamp: 0 });
    const ref = connection.ref("list:1");
    connection.say({
      type: "Unsubscribed",
      target: "list:1",
      ref,
      code: "version",
      retryable: true,
      details: newer,
    });
    await turn();
    expect(onVersionMismatch.mock.calls).toEqual([[newer]]);
    expect(topic.state).toMatchObject({ status: "stale", model: { items: ["a"] } });
    expect(setup.client.status.connection).toBe("open");
    await setup.clock.advance(1_000);
    expect(connection.ref("list:1")).toBeGreaterThan(ref);
  });

  /** A tab whose every page, old as it is, is told of versions; how often it was reloaded. */
  function tab(notes: Map<string, string> | undefined) {
    const kept = notes && {
      getItem: (key: string) => notes.get(key) ?? null,
      setItem: (key: string, value: string) => void notes.set(key, value),
    };
    const forbidden = {
      getItem(): string | null {
        throw new Error("storage is forbidden");
      },
      setItem() {},
    };
    const stuck: Versions[] = [];
    let reloads = 0;
    return {
      stuck,
      reloads: () => reloads,
      /** The page, and every page that comes in its place, at most a hundred. */
      async told(...versions: readonly Versions[]): Promise<void> {
        for (let pages = 0, before = -1; reloads > before && pages < 100; pages++) {
          before = reloads;
          const mismatch = reloadOnce({
            notes: kept ?? forbidden,
            onStuck: (one) => stuck.push(one),
            reload: () => void reloads++,
          });
          for (const one of versions) mismatch(one);
          await turn();
        }
      },
    };
  }

  test("[VE8] S38 a page is reloaded once for a version, and not in a loop while its files are old", async () => {
    const its = tab(new Map());
    await its.told(newer);
    expect(its.reloads()).toBe(1);
    expect(its.stuck).toEqual([newer]);
    // The same, in another order of slices.
    await its.told({ protocol: 1, slices: { "list:*": 2 } });
    expect(its.reloads()).toBe(1);
    await its.told({ protocol: 1, slices: { "list:*": 3 } });
    expect(its.reloads()).toBe(2);
  });

  test("[VE8] S38 nodes of several versions that answer in turn cost one reload each", async () => {
    const its = tab(new Map());
    const third = { protocol: 1, slices: { "list:*": 3 } };
    for (const versions of [newer, third, newer, third, newer]) await its.told(versions);
    expect(its.reloads()).toBe(2);
    const both = tab(new Map());
    await both.told(newer, newer, third);
    expect(both.reloads()).toBe(2); // told twice of one while it reloads, and of the other afterwards
  });

  test("[VE8] where nothing can be noted, or what is noted is nonsense, nobody is reloaded in a loop", async () => {
    const its = tab(undefined);
    await its.told(newer);
    expect(its.reloads()).toBe(0);
    expect(its.stuck).toEqual([newer]);
    for (const nonsense of ["", "{", "{}", "null", "1", `"x"`]) {
      const odd = tab(new Map([["calla:reloaded-for", nonsense]]));
      await odd.told(newer);
      expect(odd.reloads()).toBeLessThanOrEqual(1);
    }
    const forgets = reloadOnce({
      notes: { getItem: () => null, setItem: () => {} },
      reload: () => expect.unreachable("the next page would do it again"),
    });
    forgets(newer);
    await turn();
  });

  test("[VE8] where a page cannot be reloaded (a worker, React Native), it is stuck", async () => {
    for (const location of [undefined, { href: "https://app.example/worker.js" }]) {
      vi.stubGlobal("location", location);
      const notes = new Map<string, string>();
      const stuck: Versions[] = [];
      reloadOnce({
        notes: {
          getItem: (key) => notes.get(key) ?? null,
          setItem: (key, value) => void notes.set(key, value),
        },
        onStuck: (versions) => stuck.push(versions),
      })(newer);
      await turn();
      expect([stuck, notes.size]).toEqual([[newer], 0]);
    }
    const location = { reload: vi.fn() };
    vi.stubGlobal("location", location);
    const notes = new Map<string, string>();
    reloadOnce({
      notes: {
        getItem: (key) => notes.get(key) ?? null,
        setItem: (key, value) => void notes.set(key, value),
      },
    })(newer);
    await vi.waitFor(() => expect(location.reload).toHaveBeenCalledTimes(1));
  });

  test("[VE8] what is unsent is stored before the reload, which comes even if that fails", async () => {
    const order: string[] = [];
    for (const fails of [false, true]) {
      const notes = new Map<string, string>();
      const mismatch = reloadOnce({
        notes: {
          getItem: (key) => notes.get(key) ?? null,
          setItem: (key, value) => void notes.set(key, value),
        },
        before: async () => {
          await turn();
          order.push("stored");
          if (fails) throw new Error("the disk is full");
        },
        reload: () => void order.push("reloaded"),
      });
      mismatch(newer);
      await turn();
      await turn();
    }
    expect(order).toEqual(["stored", "reloaded", "stored", "reloaded"]);
  });
});

describe("[VE9] digests", () => {
  const model = (...texts: string[]) => ({ items: texts, stamp: 0 });
  async function subscribed(digest: ((model: unknown) => number) | undefined) {
    const onSnapshot = vi.fn();
    const setup = setUp({ onSnapshot, ...(digest && { digest }) });
    const topic = setup.client.topic(list, "1");
    topic.onChange(() => {});
    const connection = await handshake(setup);
    await giveSnapshot(connection, "list:1", 1, model("a"));
    onSnapshot.mockClear();
    const update = (after: number, text: string, digest?: number) =>
      connection.say(
        updateFrame(
          "list:1",
          after,
          [["c2", after, `id${after}`, added(text)]],
          digest === undefined ? {} : { digest },
        ),
      );
    return { ...setup, topic, connection, onSnapshot, update };
  }

  test("[VE17] S38 that is another one is reported with both; the client asks with its own, and a snapshot heals it", async () => {
    const { topic, connection, update, errors, onSnapshot } = await subscribed(hashValue);
    const write = topic.dispatch(added("mine"));
    await turn();
    const ref = connection.ref("list:1");
    const theirs = hashValue(model("a", "B"));
    update(1, "b", theirs);
    await turn();
    const ours = hashValue(model("a", "b"));
    expect(errors).toMatchObject([
      { code: "diverged", details: { target: "list:1", sequence: 2, digest: theirs, ours } },
    ]);
    const asked = connection.last("Subscribe");
    expect(asked).toMatchObject({ target: "list:1", diverged: ours });
    expect(asked).not.toHaveProperty("cursor");
    expect(asked.ref).toBeGreaterThan(ref);
    expect(topic.state.model).toEqual(model("a", "b", "mine")); // until it hears more
    connection.say(
      settledFrame("list:1", asked.ref, { sequence: 2, reason: "diverged" }),
      snapshotFrame("list:1", 2, 20, model("a", "B")),
    );
    await turn();
    expect(topic.state).toMatchObject({
      status: "live",
      model: model("a", "B", "mine"),
      pending: [{ id: write.id }],
    });
    expect(onSnapshot).toHaveBeenCalledWith({ target: "list:1", reason: "diverged", sequence: 2 });
    // Healed: it goes on by records, and asks for nothing more.
    update(2, "c", hashValue(model("a", "B", "c")));
    await turn();
    expect(topic.state.model).toEqual(model("a", "B", "c", "mine"));
    expect(errors).toHaveLength(1);
    expect(connection.last("Subscribe")).toBe(asked);
  });

  test("[VE9] is asked with once: healed, nothing is said of it by the next connection", async () => {
    const { connection, update, server, clock } = await subscribed(hashValue);
    update(1, "b", 1);
    await turn();
    connection.say(
      settledFrame("list:1", connection.ref("list:1"), { sequence: 2, reason: "diverged" }),
      snapshotFrame("list:1", 2, 20, model("a", "B")),
    );
    connection.drop();
    await clock.advance(1_000);
    const [asked] = (await handshake({ server })).last("Hello").targets;
    expect(asked).toMatchObject({ target: "list:1", cursor: { sequence: 2, mark: 20 } });
    expect(asked).not.toHaveProperty("diverged");
  });

  test("that fits changes nothing, and without the option nothing is compared", async () => {
    for (const digest of [hashValue, undefined]) {
      const { topic, update, errors, connection } = await subscribed(digest);
      connection.take();
      update(1, "b", digest === undefined ? 1 : hashValue(model("a", "b")));
      await turn();
      expect(topic.state.model).toEqual(model("a", "b"));
      expect(errors).toEqual([]);
      expect(connection.sent).toEqual([]);
    }
  });

  test("is asked with in a Hello too, where the connection breaks first", async () => {
    const { connection, update, server, clock } = await subscribed(hashValue);
    update(1, "b", 1);
    connection.drop();
    await clock.advance(1_000);
    const next = await handshake({ server });
    expect(next.last("Hello").targets).toMatchObject([
      { target: "list:1", diverged: hashValue(model("a", "b")) },
    ]);
  });
});
