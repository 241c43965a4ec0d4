// A contract that finds no mistake proves nothing: each way to break it is found.
import { expect, test } from "vitest";
import type { KeyValueStore, StoreCommit } from "../tabs/key-value-store.ts";
import { applyCommit, memoryStore } from "../tabs/stores/memory-store.ts";
import type { StoredValues } from "../tabs/stores/memory-store.ts";
import { keyValueStoreContract } from "./key-value-store-contract.ts";

type Break = (store: KeyValueStore, all: StoredValues) => Partial<KeyValueStore>;
const later = (): Promise<void> => new Promise((done) => setTimeout(done, 0));
const changed =
  (change: (commit: StoreCommit) => StoreCommit): Break =>
  ({ commit }) => ({ commit: (one) => commit(change(one)) });

const mistakes: Readonly<Record<string, Break>> = {
  "reads everything, whatever the prefix": ({ read }) => ({ read: () => read("") }),
  "lists everything, whatever the prefix": ({ keys }) => ({ keys: () => keys("") }),
  "takes a prefix for a pattern": ({ read, keys }) => ({
    read: (prefix) => read(prefix.toLowerCase()),
    keys: async (prefix) =>
      (await keys("")).filter((key) => key.toLowerCase().startsWith(prefix.toLowerCase())),
  }),
  "asks for nothing that is expected": changed((one) => ({ ...one, expect: new Map() })),
  "takes only the first of what is expected": changed((one) => ({
    ...one,
    expect: new Map([...one.expect].map(([key, texts]) => [key, texts.slice(0, 1)])),
  })),
  "clears nothing": changed((one) => ({ ...one, clear: [] })),
  "clears after it has written": (store, all) => ({
    commit: async (one) => {
      const done = await store.commit({ ...one, clear: [] });
      if (done) applyCommit(all, { clear: one.clear, values: new Map() });
      return done;
    },
  }),
  "keeps what is to go": changed((one) => ({
    ...one,
    values: new Map([...one.values].filter(([, value]) => value !== undefined)),
  })),
  "does half of what it refuses": (store, all) => ({
    commit: async (one) => {
      const done = await store.commit(one);
      if (!done) applyCommit(all, { clear: one.clear, values: new Map() });
      return done;
    },
  }),
  "says nothing of what it refuses": ({ commit }) => ({ commit: (one) => commit(one).then(() => true) }),
  "does commits in another order": ({ commit }) => {
    let odd = false;
    return {
      async commit(one) {
        if ((odd = !odd)) await later();
        return commit(one);
      },
    };
  },
  "reads past commits that are under way": ({ commit }) => ({
    commit: async (one) => {
      await later();
      return commit(one);
    },
  }),
  "asks first and writes later": (_, all) => ({
    async commit(one) {
      const done = await memoryStore(new Map(all)).commit(one);
      await later();
      if (done) applyCommit(all, one);
      return done;
    },
  }),
  "turns values into texts": ({ read }) => ({
    read: async (prefix) => new Map([...(await read(prefix))].map(([key, value]) => [key, String(value)])),
  }),
};

test.each(Object.entries(mistakes))("[TB20] a store that %s is found", async (_, breaks) => {
  const found: string[] = [];
  for (const { name, run } of keyValueStoreContract) {
    const all: StoredValues = new Map();
    const store = memoryStore(all);
    const broken = { ...store, ...breaks(store, all) };
    await run({ open: () => broken }).catch(() => found.push(name));
  }
  expect(found).not.toEqual([]);
});

test("[TB20] a store that keeps nothing from one page to the next is found", async () => {
  const found: string[] = [];
  for (const { name, run } of keyValueStoreContract)
    await run({ open: () => memoryStore() }).catch(() => found.push(name));
  expect(found.length).toBeGreaterThan(3);
});
