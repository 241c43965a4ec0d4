import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { expect, test } from "vitest";
import { memoryLocks } from "../src/tabs/memory-locks.ts";
import { memoryStore } from "../src/tabs/stores/memory-store.ts";
import { file } from "../src/tabs/stores/file.ts";
import { indexedDb } from "../src/tabs/stores/indexeddb.ts";
import { memoryPageStorage as memoryStorage } from "../src/storage/memory-storage.ts";
import { tabPageStorage as tabStorage } from "../src/tabs/tab-storage.ts";
import { storageContract } from "../src/testing/storage-contract.ts";
import type { StorageSubject } from "../src/testing/storage-contract.ts";
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

for (const [subject, make] of Object.entries(subjects)) {
  for (const { name, run } of storageContract) {
    test(`${subject}: ${name}`, async () => {
      await expect(run(make())).resolves.toBeUndefined();
    });
  }
}
