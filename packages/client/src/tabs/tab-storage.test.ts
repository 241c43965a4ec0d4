import { automatic, json } from "@calla/shared";
import { expect, test } from "vitest";
import { seededRandom, turn, VirtualClock } from "../../test/kit.ts";
import type { StorageChange, StorageHost } from "../storage/storage.ts";
import { pageLock } from "./locks.ts";
import { memoryLocks } from "./memory-locks.ts";
import { clientsIn } from "../testing/stored.ts";
import { memoryStore } from "./stores/memory-store.ts";
import type { TabNote } from "./tab-note.ts";
import { tabPageStorage } from "./tab-storage.ts";

const entry = (mid: number): StorageChange => ({
  type: "entry",
  entry: { target: "t", mid, id: `id${mid}`, messages: [mid], at: 1, version: 1 },
});
const owner = { server: "s", user: "ann" };

function browser() {
  const store = memoryStore();
  const locks = memoryLocks();
  const clock = new VirtualClock();
  const random = seededRandom();
  let closed = 0;
  const host: StorageHost = {
    clock,
    serialiser: automatic(json()),
    report: (error) => expect.unreachable(String(error)),
    flush: () => expect.unreachable(),
  };
  return {
    store,
    clock,
    host,
    closed: () => closed,
    page(note?: TabNote) {
      const mine = locks.page();
      const tab = { note };
      const storage = tabPageStorage({
        store: () => ({ ...store, close: () => (closed++, Promise.resolve()) }),
        locks: () => mine,
        random,
        memory: { read: () => tab.note, write: (now) => void (tab.note = now) },
      });
      return { storage, locks: mine, tab };
    },
  };
}

test("[TB1] a page takes its user's most recently used free client, and another where none is free", async () => {
  const { page, clock, host } = browser();
  const pages = [page(), page(), page()];
  for (const [i, { storage }] of pages.entries()) {
    await storage.load(owner, host);
    await storage.commit([entry(i + 1)]);
    await clock.advance(4_000_000);
  }
  await pages[0]!.storage.close();
  await pages[1]!.storage.close();
  const found = [page(), page(), page()];
  const mids: unknown[] = [];
  for (const { storage } of found)
    mids.push((await storage.load(owner, host))?.entries.map(({ mid }) => mid));
  expect(mids).toEqual([[2], [1], undefined]);
});

test("[TB1] it takes the client of its own former life before any other, and notes which it has", async () => {
  const { page, clock, host } = browser();
  const [first, second] = [page(), page()];
  for (const [i, { storage }] of [first, second].entries()) {
    await storage.load(owner, host);
    await storage.commit([entry(i + 1)]);
    await clock.advance(4_000_000);
  }
  await first.storage.close();
  await second.storage.close();
  const again = page(first.tab.note);
  expect((await again.storage.load(owner, host))?.entries).toMatchObject([{ mid: 1 }]);
  expect(again.tab.note).toEqual({ client: first.tab.note!.client, left: false });
});

test("[TB1] it waits for a page that has just said goodbye, for 2 s; a duplicated tab's note says nothing of the kind", async () => {
  for (const [left, ends, expected] of [
    [true, 1_900, [1]],
    [true, 2_100, undefined],
    [false, 100, undefined],
  ] as const) {
    const { page, clock, host } = browser();
    const first = page();
    await first.storage.load(owner);
    await first.storage.commit([entry(1)]);
    const next = page({ client: first.tab.note!.client, left });
    let found: unknown = "nothing yet";
    void next.storage.load(owner, host).then((stored) => (found = stored?.entries.map(({ mid }) => mid)));
    await clock.advance(ends);
    first.locks.end();
    await clock.advance(2_500 - ends);
    await turn();
    expect(found, `${left} ${ends}`).toEqual(expected);
  }
});

test("[TB5] another user's client is not taken, whoever is named; before that it may be, to present its identity", async () => {
  const { page } = browser();
  const anns = page();
  await anns.storage.load(owner);
  await anns.storage.commit([entry(1)]);
  await anns.storage.close();
  for (const other of [
    { server: "s", user: "bob" },
    { server: "s", user: null },
    { server: "other", user: "ann" },
  ])
    expect(await page().storage.load(other)).toBeUndefined();
  expect(await page().storage.load({ server: "s", user: undefined })).toMatchObject({ user: "ann" });
});

test("[TB1] a take that fails keeps no lock", async () => {
  const { page, store } = browser();
  const first = page();
  await first.storage.load(owner);
  await first.storage.commit([entry(1)]);
  await first.storage.close();
  const commit = store.commit.bind(store);
  store.commit = () => Promise.reject(new Error("the disk"));
  const second = page();
  await expect(second.storage.load(owner)).rejects.toThrow("the disk");
  store.commit = commit;
  const { client } = first.tab.note!;
  expect([...(await second.locks.taken())]).not.toContain(pageLock(client));
});

test("[CL15] closing lets the client and the store go, and what was not loaded stores nothing", async () => {
  const { page, store, closed } = browser();
  const { storage, locks } = page();
  await expect(storage.commit([entry(1)])).rejects.toMatchObject({ code: "storage" });
  await storage.load(owner);
  const late = storage.commit([entry(1)]);
  await storage.close();
  await late;
  expect([closed(), [...(await locks.taken())]]).toEqual([1, []]);
  expect(await clientsIn(store, "s")).toMatchObject([{ user: "ann", waiting: 1 }]);
  await expect(storage.commit([entry(2)])).rejects.toMatchObject({ code: "storage" });
  await expect(storage.forgetEveryone!()).rejects.toMatchObject({ code: "storage" });
});
