// Signing out on a computer that others use too: what stays after close(), after forget(), after everyone has been forgotten.
import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, test } from "vitest";
import { memoryLocks } from "../src/tabs/memory-locks.ts";
import { memoryStore } from "../src/tabs/stores/memory-store.ts";
import type { StoredValues } from "../src/tabs/stores/memory-store.ts";
import { file } from "../src/tabs/stores/file.ts";
import { indexedDb } from "../src/tabs/stores/indexeddb.ts";
import { memoryPageStorage as memoryStorage } from "../src/storage/memory-storage.ts";
import { tabPageStorage as tabStorage } from "../src/tabs/tab-storage.ts";
import { inside } from "../src/storage/storage.ts";
import type { PageStorage as Storage, StorageChange } from "../src/storage/storage.ts";
import { giveSnapshot, handshake, items, list, setUp, turn } from "./kit.ts";
import { added, live } from "./live.ts";
import { place } from "./place.ts";

const entry = (mid: number, text = "secret"): StorageChange => ({
  type: "entry",
  entry: { target: "list:1", mid, id: `m${mid}`, messages: [{ type: "added", text }], at: 1, version: 1 },
});
const identity = (clientId: string, userId: string): StorageChange => ({
  type: "identity",
  identity: { clientId, secret: "secret", userId },
});
const model: StorageChange = {
  type: "model",
  target: "list:2",
  model: { sequence: 5, mark: 50, version: 1, model: { items: ["secret"], stamp: 0 }, usedAt: Date.now() },
};

/** Pages over one place, and all that is there, as text. */
interface Place {
  page(): Storage;
  everything(): Promise<string>;
}

const places: Record<string, () => Place> = {
  IndexedDB() {
    const locks = memoryLocks();
    return {
      page: () => inside(indexedDb("everyone", { locks: locks.page(), openTimeout: 200 })),
      everything: () =>
        new Promise((resolve) => {
          const opening = indexedDB.open("calla everyone");
          opening.onsuccess = async () => {
            const db = opening.result;
            const stores = [...db.objectStoreNames];
            const rows = await Promise.all(
              stores.map(
                (name) =>
                  new Promise((done) => {
                    const asked = db.transaction(name).objectStore(name).getAll();
                    asked.onsuccess = () => done(asked.result);
                  }),
              ),
            );
            db.close();
            resolve(JSON.stringify(rows));
          };
        }),
    };
  },
  "a file"() {
    const path = place();
    return { page: () => inside(file(path)), everything: () => Promise.resolve(readFileSync(path, "utf8")) };
  },
  "memory shared by tabs"() {
    const locks = memoryLocks();
    const rows: StoredValues = new Map();
    return {
      page: () => tabStorage({ store: () => memoryStore(rows), locks: () => locks.page() }),
      everything: () => Promise.resolve(JSON.stringify([...rows])),
    };
  },
};

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});

describe.each(Object.entries(places))("[OB14] everyone forgotten in %s", (_, at) => {
  test("[OB34] drops all of all users and servers, closed pages' and one's own, and says how much was unsent", async () => {
    const { page, everything } = at();
    for (const [server, user, count] of [
      ["s", "ann", 2],
      ["other", "bob", 1],
    ] as const) {
      const storage = page();
      await storage.load({ server, user });
      await storage.commit([identity(`of ${user}`, user), model]);
      await storage.commit(Array.from({ length: count }, (__, i) => entry(i + 1)));
      // One that is applied and waits for a newer model is not unsent.
      await storage.commit([
        {
          ...entry(9),
          entry: { ...(entry(9) as { entry: object }).entry, target: "list:2" },
        } as StorageChange,
        { type: "outcome", target: "list:2", mid: 9, sequence: 7 },
      ]);
      await storage.close();
    }
    const mine = page();
    await mine.load({ server: "s", user: "cyd" });
    await mine.commit([identity("of cyd", "cyd"), entry(1)]);
    expect(await everything()).toContain("secret");
    expect(await mine.forgetEveryone?.()).toBe(4);
    await expect(mine.commit([entry(2)])).rejects.toMatchObject({ details: { reason: "taken" } });
    await mine.close();
    expect(await everything()).not.toMatch(/secret|ann|bob|cyd/);
    for (const [server, user] of [
      ["s", "ann"],
      ["other", "bob"],
      ["s", "cyd"],
    ] as const) {
      const after = page();
      expect(await after.load({ server, user })).toBeUndefined();
      await after.close();
    }
  });

  test("[TB3] [OB35] other pages store nothing any more, again and again, be it their first", async () => {
    const { page, everything } = at();
    const [mine, bobs, fresh] = [page(), page(), page()];
    await mine.load({ server: "s", user: "ann" });
    await mine.commit([identity("of ann", "ann")]);
    await bobs.load({ server: "s", user: "bob" });
    await bobs.commit([identity("of bob", "bob"), entry(1)]);
    await fresh.load({ server: "s", user: "eve" });
    expect(await mine.forgetEveryone?.()).toBe(1);
    for (let again = 0; again < 3; again++) {
      const taken = { details: { reason: "taken" } };
      await expect(bobs.commit([entry(2)])).rejects.toMatchObject(taken);
      await expect(
        bobs.commit([{ type: "begin", user: "bob", keepFormer: false }, identity("b2", "bob"), entry(1)]),
      ).rejects.toMatchObject(taken);
      await expect(fresh.commit([identity("of eve", "eve"), entry(1)])).rejects.toMatchObject(taken);
    }
    await Promise.all([mine, bobs, fresh].map((storage) => storage.close()));
    expect(await everything()).not.toMatch(/secret|bob|eve/);
    // The next page begins as if nobody had been there.
    const next = page();
    expect(await next.load({ server: "s", user: "bob" })).toBeUndefined();
    await next.commit([identity("new", "bob"), entry(1)]);
    await next.close();
    const later = page();
    expect((await later.load({ server: "s", user: "bob" }))?.identity?.clientId).toBe("new");
    await later.close();
  });

  test("[OB12] forget leaves other users' data, close leaves all", async () => {
    const { page } = at();
    const anns = page();
    await anns.load({ server: "s", user: "ann" });
    await anns.commit([identity("of ann", "ann"), entry(1), model]);
    await anns.close();
    const bobs = page();
    await bobs.load({ server: "s", user: "bob" });
    await bobs.commit([identity("of bob", "bob"), entry(1)]);
    await bobs.commit([{ type: "forget" }]);
    await bobs.close();
    const again = page();
    expect(await again.load({ server: "s", user: "bob" })).toBeUndefined();
    await again.close();
    const left = page();
    const stored = await left.load({ server: "s", user: "ann" });
    expect([stored?.identity?.clientId, stored?.entries.length, stored?.models.size]).toEqual([
      "of ann",
      1,
      1,
    ]);
    await left.close();
  });
});

describe("[OB14] client.forget({ everyone: true })", () => {
  const silent = async (storage: Storage | undefined) => {
    const setup = setUp({ ...(storage && { storage }), user: "ann" });
    const topic = setup.client.topic(list, "1");
    topic.retain();
    const connection = await handshake(setup, "c1", { userId: "ann" });
    await giveSnapshot(connection, "list:1", 0, items());
    connection.drop();
    return { ...setup, topic, connection };
  };

  test("[OB34] counts what the storage had not got yet too, ends the client, and tells its callers", async () => {
    const { client, topic, clock, errors } = await silent(memoryStorage());
    const stored = topic.dispatch(added("a"));
    await turn();
    const late = topic.dispatch(added("b"));
    const forgotten = client.forget({ everyone: true });
    for (const { applied } of [stored, late]) await expect(applied).rejects.toMatchObject({ code: "closed" });
    expect(await forgotten).toEqual({ unsent: 2 });
    await expect(client.forget({ everyone: true })).rejects.toMatchObject({ code: "closed" });
    expect([client.status.connection, clock.waiting, errors]).toEqual(["closed", 0, []]);
  });

  test("without a storage everything is unsent, and nothing fails", async () => {
    const { client, topic, errors } = await silent(undefined);
    const first = topic.dispatch(added("a"));
    await first.queued;
    topic.dispatch(added("b"));
    expect([client.pending.length, client.status.storage]).toEqual([2, "working"]);
    expect(await client.forget({ everyone: true })).toEqual({ unsent: 2 });
    expect(errors).toEqual([]);
    const next = await silent(undefined);
    expect(next.client.pending).toEqual([]);
  });

  test("needs nobody named, where forget does", async () => {
    const storage = memoryStorage();
    await storage.load({ server: "", user: "bob" });
    await storage.commit([identity("of bob", "bob"), entry(1)]);
    const nobody = setUp({ storage, connect: false });
    expect(await nobody.client.forget({ everyone: true })).toEqual({ unsent: 1 });
    expect(await storage.load({ server: "", user: undefined })).toBeUndefined();
  });

  test("[OB34] says when the storage fails or has no way to, and drops nothing", async () => {
    const storage = memoryStorage();
    const failing = await live({
      storage: { ...storage, forgetEveryone: () => Promise.reject(new Error("locked")) },
    });
    await expect(failing.client.forget({ everyone: true })).rejects.toMatchObject({ code: "storage" });
    const { forgetEveryone: _without, ...simple } = memoryStorage();
    const without = await live({ storage: simple });
    await expect(without.client.forget({ everyone: true })).rejects.toThrow(/cannot forget everyone/);
    expect(without.clock.waiting).toBe(0);
  });

  test("[TB3] [OB35] another page learns of it with the next it would store, and goes on without a storage", async () => {
    const locks = memoryLocks();
    const rows: StoredValues = new Map();
    const page = () => tabStorage({ store: () => memoryStore(rows), locks: () => locks.page() });
    const mine = await silent(page());
    const other = await silent(page());
    other.topic.dispatch(added("kept"));
    await turn();
    expect(await mine.client.forget({ everyone: true })).toEqual({ unsent: 1 });
    const write = other.topic.dispatch(added("not kept"));
    await expect(write.queued).rejects.toMatchObject({ code: "storage", details: { reason: "taken" } });
    expect(other.client.status.storage).toBe("failed");
    expect(other.errors).toMatchObject([{ code: "storage", details: { reason: "taken" } }]);
    await other.client.close();
    expect([...rows.keys()]).toEqual(["generation"]);
  });
});
