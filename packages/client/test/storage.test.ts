import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { automatic, json, plain } from "@calla/shared";
import type { Serialiser } from "@calla/shared";
import { expect, test } from "vitest";
import { memoryLocks } from "../src/tabs/memory-locks.ts";
import { memoryStore } from "../src/tabs/stores/memory-store.ts";
import { file } from "../src/tabs/stores/file.ts";
import { indexedDb } from "../src/tabs/stores/indexeddb.ts";
import { memoryPageStorage as memoryStorage } from "../src/storage/memory-storage.ts";
import { tabPageStorage as tabStorage } from "../src/tabs/tab-storage.ts";
import { storageContract } from "../src/testing/storage-contract.ts";
import type { StorageSubject } from "../src/testing/storage-contract.ts";
import { inside } from "../src/storage/storage.ts";
import type { Owner, StorageHost } from "../src/storage/storage.ts";
import { VirtualClock } from "./kit.ts";
import { place } from "./place.ts";

const subjects: Record<string, () => StorageSubject> = {
  memory() {
    const storage = memoryStorage();
    return { open: () => storage };
  },
  tabs() {
    const [store, locks] = [memoryStore(), memoryLocks()];
    return { open: () => tabStorage({ store: () => store, locks: () => locks.page() }) };
  },
  file() {
    const path = place();
    return { open: () => file(path) };
  },
  IndexedDB() {
    globalThis.indexedDB = new IDBFactory();
    const locks = memoryLocks();
    return { open: () => indexedDb("test", { locks: locks.page() }) };
  },
};

/** As a client with a serialiser opens them. */
const carriedBy = (
  { open }: StorageSubject,
  serialiser: Serialiser,
  told: unknown[] = [],
): StorageSubject => ({
  async open() {
    const storage = inside(await open());
    const host: StorageHost = {
      clock: new VirtualClock(),
      serialiser,
      report: (error) => told.push(error),
      flush: () => expect.unreachable(),
    };
    return {
      ...storage,
      async load(owner: Owner) {
        const found = await storage.load(owner, host);
        // The contract compares what is stored as texts: with its fields in this order.
        const models = [...(found?.models ?? [])].map(
          ([target, { version, model, sequence, mark, usedAt }]) =>
            [target, { version, model, sequence, mark, usedAt }] as const,
        );
        return found && { ...found, models: new Map(models) };
      },
    };
  },
});
const CARRIERS = { "automatic(json())": automatic(json()), "plain(json())": plain(json()) };

for (const [subject, make] of Object.entries(subjects)) {
  for (const [carrier, serialiser] of Object.entries(CARRIERS)) {
    for (const { name, run } of storageContract) {
      test(`[CO32] ${subject}, values by ${carrier}: ${name}`, async () => {
        const told: unknown[] = [];
        await expect(run(carriedBy(make(), serialiser, told))).resolves.toBeUndefined();
        expect(told).toEqual([]);
      });
    }
    test(`[CO32] ${subject}, values by ${carrier}: what looks like a tag comes back as it was, and so does every value of JSON`, async () => {
      const carried = carriedBy(make(), serialiser);
      const value = {
        $: "date",
        v: [null, true, 1.5, "\ud800", { $: "undefined" }, { $: { $: 1 } }],
        "1000": {},
      };
      const owner = { server: "s", user: null };
      const first = inside(await carried.open());
      await first.load(owner);
      await first.commit([
        {
          type: "entry",
          entry: { target: "t", mid: 1, id: "id1", messages: [{ type: "m", value }], at: 1, version: 1 },
        },
        { type: "model", target: "t", model: { version: 1, model: value, sequence: 1, mark: 9, usedAt: 1 } },
      ]);
      await first.close();
      const second = inside(await carried.open());
      const found = await second.load(owner);
      await second.close();
      expect(found?.entries.map(({ messages }) => messages)).toStrictEqual([[{ type: "m", value }]]);
      expect(found?.models.get("t")?.model).toStrictEqual(value);
    });
  }
}

for (const [subject, make] of Object.entries(subjects)) {
  for (const { name, run } of storageContract) {
    test(`${subject}: ${name}`, async () => {
      await expect(run(make())).resolves.toBeUndefined();
    });
  }
}
