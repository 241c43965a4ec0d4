import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { expect, test } from "vitest";
import { memoryLocks } from "../src/locks-memory.ts";
import { memoryShelf } from "../src/shelf-memory.ts";
import { file } from "../src/storage-file.ts";
import { indexedDb } from "../src/storage-indexeddb.ts";
import { memoryStorage } from "../src/storage-memory.ts";
import { tabStorage } from "../src/storage-tabs.ts";
import { storageContract } from "../src/testing.ts";
import type { StorageSubject } from "../src/testing.ts";
import { place } from "./place.ts";

const subjects: Record<string, () => StorageSubject> = {
  memory() {
    const storage = memoryStorage();
    return { open: () => storage };
  },
  tabs() {
    const [shelf, locks] = [memoryShelf(), memoryLocks()];
    return { open: () => tabStorage({ shelf: () => shelf, locks: () => locks.page() }) };
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

for (const [subject, make] of Object.entries(subjects)) {
  for (const { name, run } of storageContract) {
    test(`${subject}: ${name}`, async () => {
      await expect(run(make())).resolves.toBeUndefined();
    });
  }
}
