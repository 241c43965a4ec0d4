// A contract that finds no mistake proves nothing: each way to break it is found.
import { expect, test } from "vitest";
import { memoryPageStorage } from "../storage/memory-storage.ts";
import type { PageStorage, StorageChange, StoredClient, StoredEntry } from "../storage/storage.ts";
import { storageContract } from "./storage-contract.ts";

const without =
  (gone: (change: StorageChange) => boolean) =>
  ({ commit }: PageStorage): Partial<PageStorage> => ({
    commit: (changes) => commit(changes.filter((change) => !gone(change))),
  });
const loaded =
  (change: (found: StoredClient) => StoredClient) =>
  ({ load }: PageStorage): Partial<PageStorage> => ({
    load: async (owner) => {
      const found = await load(owner);
      return found && change(found);
    },
  });

const mistakes: Readonly<Record<string, (storage: PageStorage) => Partial<PageStorage>>> = {
  "loses identities": without(({ type }) => type === "identity"),
  "loses what is known of targets": without(({ type }) => type === "target"),
  "loses models": without(({ type }) => type === "model"),
  "keeps models that are dropped": without(({ type }) => type === "drop-model"),
  "keeps entries that are settled": without(({ type }) => type === "outcome"),
  "forgets nothing": without(({ type }) => type === "forget"),
  "goes on as the former client": without(({ type }) => type === "begin"),
  "loses settled entries that an older model lacks": loaded((found) => ({
    ...found,
    entries: found.entries.filter(({ sequence }) => sequence === undefined),
  })),
  "loses that an entry is settled": loaded((found) => ({
    ...found,
    entries: found.entries.map((entry): StoredEntry => {
      const { target, mid, id, messages, at, version } = entry;
      return { target, mid, id, messages, at, version };
    }),
  })),
  "gives everybody's data to anybody": ({ load }) => ({
    load: (owner) => load({ ...owner, user: undefined }),
  }),
  "commits the last call first": ({ commit }) => {
    let last: readonly StorageChange[] = [];
    return {
      commit: (changes) => {
        const before = last;
        last = changes;
        return commit([...changes, ...before]);
      },
    };
  },
};

test.each(Object.entries(mistakes))("[OB6] a storage that %s is found", async (_, breaks) => {
  const found: string[] = [];
  for (const { name, run } of storageContract) {
    const storage = memoryPageStorage();
    const broken = { ...storage, ...breaks(storage) };
    await run({ open: () => broken }).catch(() => found.push(name));
  }
  expect(found).not.toEqual([]);
});
