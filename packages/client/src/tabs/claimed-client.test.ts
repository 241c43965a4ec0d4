import { describe, expect, test } from "vitest";
import { seededRandom, VirtualClock } from "../../test/kit.ts";
import type { Owner, StorageChange } from "../storage/storage.ts";
import { storageFailure } from "../storage/storage-failure.ts";
import { createClaimed, newClaim, takeOver } from "./claimed-client.ts";
import type { ClaimOptions } from "./claimed-client.ts";
import type { KeyValueStore, StoreCommit } from "./key-value-store.ts";
import { flushLock, pageLock } from "./locks.ts";
import { memoryLocks } from "./memory-locks.ts";
import { countWaiting, GENERATION, listClients, readClient, usedKey } from "./stored-clients.ts";
import { memoryStore } from "./stores/memory-store.ts";

const owner: Owner = { server: "s", user: "ann" };
const entry = (mid: number): StorageChange => ({
  type: "entry",
  entry: { target: "t", mid, id: `id${mid}`, messages: [mid], at: 1, version: 1 },
});
const model = (target: string, sequence = 5): StorageChange => ({
  type: "model",
  target,
  model: { version: 1, model: {}, sequence, mark: 1, usedAt: 1 },
});
const identity = (clientId: string, userId = "ann"): StorageChange => ({
  type: "identity",
  identity: { clientId, secret: "s", userId },
});
const begin = (user: string, keepFormer: boolean): StorageChange => ({ type: "begin", user, keepFormer });

/** Pages over one store, and what its next commits come to. */
function world() {
  const store = memoryStore();
  const locks = memoryLocks();
  const clock = new VirtualClock();
  const random = seededRandom();
  const told: unknown[] = [];
  const commits: StoreCommit[] = [];
  let fails: (commit: StoreCommit) => unknown = () => undefined;
  const watched: KeyValueStore = {
    ...store,
    commit: async (commit) => {
      const failure = fails(commit);
      if (failure) throw failure;
      commits.push(commit);
      return store.commit(commit);
    },
  };
  const options = (): ClaimOptions => ({
    store: watched,
    locks: locks.page(),
    clock,
    random,
    codec: undefined,
    report: (error) => told.push(error),
    generation: { now: undefined },
  });
  const changes: unknown[] = [];
  return {
    store,
    locks,
    clock,
    told,
    commits,
    changes,
    fail: (when: typeof fails) => void (fails = when),
    async page(of = owner) {
      const given = options();
      const claim = await newClaim(given, of);
      return createClaimed(given, claim, pageLock, (id, user) => changes.push([id, user]));
    },
    async takes(id: string, lockOf = pageLock) {
      const given = options();
      const lock = await given.locks.take(lockOf(id), "steal");
      const found = await takeOver(given, id, lock!, lockOf === pageLock);
      return found && { ...found, client: createClaimed(given, found.claim, lockOf, () => {}) };
    },
    names: async () => (await listClients(store, "s")).map(({ id, user }) => [id, user]),
    mids: async (id: string) =>
      (await readClient(store, id))?.stored.entries.map(({ mid }) => mid).toSorted((a, b) => a - b),
  };
}
const reason = (is: string) => ({ code: "storage", details: { reason: is } });

describe("one client", () => {
  test("[TB2] is in the store from its first commit on, as what it is and whose", async () => {
    const { page, names, mids, changes } = world();
    const client = await page();
    expect(await names()).toEqual([]);
    await client.commit([identity("c1"), entry(1)]);
    expect([await names(), await mids(client.id), changes]).toEqual([
      [[client.id, "ann"]],
      [1],
      [[client.id, "ann"]],
    ]);
  });

  test("[OB6] commits follow each other in the order of the calls, and one that fails stops none", async () => {
    const { page, mids, fail } = world();
    const client = await page();
    let broken = true;
    fail(() => broken && ((broken = false), new Error("the disk")));
    const done = await Promise.allSettled([client.commit([entry(1)]), client.commit([entry(2)])]);
    expect([done.map(({ status }) => status), await mids(client.id)]).toEqual([
      ["rejected", "fulfilled"],
      [2],
    ]);
  });

  test("[TB7] when it was used is written at the first commit, and then once an hour", async () => {
    const { page, store, clock } = world();
    const client = await page();
    const used = async () => (await store.read(usedKey(client.id))).get(usedKey(client.id));
    await client.commit([entry(1)]);
    const first = await used();
    expect(first).toBe(clock.now());
    await clock.advance(3_599_000);
    await client.commit([entry(2)]);
    expect(await used()).toBe(first);
    await clock.advance(1_000);
    await client.commit([entry(3)]);
    expect(await used()).toBe(clock.now());
  });
});

describe("who took it last", () => {
  test("[TB3] is the only one who writes it, under whatever name", async () => {
    const { page, takes, mids, names } = world();
    const first = await page();
    await first.commit([entry(1)]);
    const second = (await takes(first.id))!;
    expect(second.stored.entries).toHaveLength(1);
    for (const changes of [[entry(2)], [begin("ann", false), entry(2)], [begin("ann", true), entry(2)]])
      await expect(first.commit(changes)).rejects.toMatchObject(reason("taken"));
    await second.client.commit([entry(3)]);
    expect([await mids(first.id), await names()]).toEqual([[1, 3], [[first.id, "ann"]]]);
  });

  test("[TB3] of two that take it at once one has it", async () => {
    const { page, takes } = world();
    const first = await page();
    await first.commit([entry(1)]);
    const found = await Promise.all([takes(first.id), takes(first.id)]);
    expect(found.filter((one) => one !== undefined)).toHaveLength(1);
  });

  test("[TB7] a client is used by a page that takes it, not by one that sends for it", async () => {
    const { page, takes, store, clock } = world();
    const first = await page();
    await first.commit([entry(1)]);
    const used = async () => (await listClients(store, "s"))[0]?.usedAt;
    const before = await used();
    await clock.advance(1_000);
    await takes(first.id, flushLock);
    expect(await used()).toBe(before);
    await takes(first.id);
    expect(await used()).toBe(before! + 1_000);
    expect(await takes("nobody")).toBeUndefined();
  });
});

describe("another client", () => {
  test("[OB8] drops the former, or leaves it as it is for its user, free", async () => {
    const { page, mids, names, locks } = world();
    const client = await page();
    await client.commit([identity("a"), entry(1)]);
    const first = client.id;
    await client.commit([begin("bob", true), identity("b", "bob"), entry(2)]);
    const second = client.id;
    expect(second).not.toBe(first);
    expect([await mids(first), await mids(second)]).toEqual([[1], [2]]);
    expect([...(await locks.page().taken())]).toEqual([pageLock(second)]);
    await client.commit([begin("bob", false), entry(3)]);
    expect((await names()).toSorted()).toEqual(
      [
        [first, "ann"],
        [client.id, "bob"],
      ].toSorted(),
    );
    expect([...(await locks.page().taken())]).toEqual([pageLock(client.id)]);
  });

  test("[OB8] one that begins twice in one commit leaves nothing of the first", async () => {
    const { page, store, mids, locks } = world();
    const client = await page();
    await client.commit([entry(1), begin("ann", false), entry(2), begin("ann", false), entry(3)]);
    expect([await countWaiting(store), await mids(client.id)]).toEqual([1, [3]]);
    expect([...(await locks.page().taken())]).toEqual([pageLock(client.id)]);
  });

  test("where it fails the page has what it had, and no lock more", async () => {
    const { page, mids, locks, fail } = world();
    const client = await page();
    await client.commit([entry(1)]);
    const { id } = client;
    fail(() => new Error("the disk"));
    await expect(client.commit([begin("ann", false), entry(2)])).rejects.toThrow("the disk");
    fail(() => undefined);
    expect([client.id, await mids(id), [...(await locks.page().taken())]]).toEqual([id, [1], [pageLock(id)]]);
    await client.commit([entry(3)]);
    expect(await mids(id)).toEqual([1, 3]);
  });
});

describe("when something is gone", () => {
  test("[TB10] data that was deleted is told once, and written anew", async () => {
    const { page, store, mids } = world();
    const client = await page();
    await client.commit([entry(1)]);
    await store.commit({ expect: new Map(), clear: [""], values: new Map() });
    await expect(client.commit([entry(2)])).rejects.toMatchObject(reason("evicted"));
    await client.commit([begin("ann", false), entry(1), entry(2)]);
    expect(await mids(client.id)).toEqual([1, 2]);
  });

  test("[OB12] what is forgotten is gone with the user's free clients, and only those", async () => {
    const { page, names, locks } = world();
    const [mine, open, left, bobs] = await Promise.all([
      page(),
      page(),
      page(),
      page({ ...owner, user: "bob" }),
    ]);
    for (const client of [mine, open, left, bobs]) await client.commit([entry(1)]);
    await left.release();
    await bobs.release();
    await mine.commit([{ type: "forget" }]);
    expect((await names()).toSorted()).toEqual(
      [
        [open.id, "ann"],
        [bobs.id, "bob"],
      ].toSorted(),
    );
    expect([...(await locks.page().taken())].toSorted()).toEqual(
      [pageLock(mine.id), pageLock(open.id)].toSorted(),
    );
  });

  test("[OB34] [OB35] after everyone was forgotten a generation is all there is, and no page of before stores", async () => {
    const { page, store } = world();
    const [mine, other, fresh] = await Promise.all([page(), page(), page()]);
    await mine.commit([entry(1)]);
    await other.commit([entry(1), entry(2)]);
    expect(await mine.forgetEveryone()).toBe(3);
    for (const client of [mine, other, fresh])
      await expect(client.commit([entry(9)])).rejects.toMatchObject(reason("taken"));
    expect(await store.keys("")).toEqual([GENERATION]);
  });
});

describe("a full store", () => {
  const full = () => storageFailure("quota", false);
  const writesEntries = ({ values }: StoreCommit): boolean =>
    [...values].some(([key, value]) => key.includes("/entry/") && value !== undefined);

  test("[TB6] models go first, and messages are kept; the app is told once", async () => {
    const { page, store, fail, told, mids } = world();
    const client = await page();
    await client.commit([model("t"), model("u")]);
    let room = false;
    fail((commit) => {
      if (commit.values.size > 0 && [...commit.values.values()].every((value) => value === undefined))
        room = true;
      return writesEntries(commit) && !room && full();
    });
    await client.commit([entry(1)]);
    expect([await mids(client.id), await store.keys(`of/${client.id}/model/`)]).toEqual([[1], []]);
    await client.commit([model("t")]);
    room = false;
    await client.commit([entry(2)]);
    expect(await mids(client.id)).toEqual([1, 2]);
    expect(told).toMatchObject([reason("quota")]);
  });

  test("[TB6] where it stays full it is asked once a commit, and models alone are the keeper's", async () => {
    const { page, fail, commits } = world();
    const client = await page();
    await client.commit([model("t")]);
    fail((commit) => writesEntries(commit) && full());
    await expect(client.commit([entry(1)])).rejects.toMatchObject(reason("quota"));
    const dropped = commits.length;
    await expect(client.commit([entry(2)])).rejects.toMatchObject(reason("quota"));
    expect(commits).toHaveLength(dropped);
    fail(full);
    await expect(client.commit([model("u")])).rejects.toMatchObject(reason("quota"));
    expect(commits).toHaveLength(dropped);
  });
});
