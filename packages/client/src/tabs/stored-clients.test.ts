import * as fc from "fast-check";
import { expect, test } from "vitest";
import { applyChange, nothingStored } from "../storage/storage.ts";
import type { ClientChange, StoredClient } from "../storage/storage.ts";
import { memoryStore } from "./stores/memory-store.ts";
import {
  addChange,
  allOf,
  countWaiting,
  doubt,
  landed,
  listClients,
  newIndex,
  ownerKey,
  ownerOf,
  readClient,
  tokenKey,
  usedKey,
} from "./stored-clients.ts";
import type { StoredIndex } from "./stored-clients.ts";

type Change = Exclude<ClientChange, { type: "identity" }>;
const owner = { server: "s", user: "ann" };

async function storeOf(...ids: string[]) {
  const store = memoryStore();
  for (const id of ids)
    await store.commit({
      expect: new Map(),
      clear: [],
      values: new Map<string, unknown>([
        [tokenKey(id), "t"],
        [usedKey(id), 1],
        [ownerKey(id), ownerOf(owner)],
      ]),
    });
  return store;
}
async function commit(
  store: ReturnType<typeof memoryStore>,
  id: string,
  index: StoredIndex,
  changes: readonly Change[],
): Promise<void> {
  const values = new Map<string, unknown>();
  for (const change of changes) addChange(values, id, index, change);
  await store.commit({ expect: new Map(), clear: [], values });
  landed(index);
}

const entry = (target: string, mid: number): Change => ({
  type: "entry",
  entry: { target, mid, id: `${target} ${mid}`, messages: [mid], at: 1, version: 1 },
});
const model = (target: string, sequence: number): Change => ({
  type: "model",
  target,
  model: { version: 1, model: {}, sequence, mark: 1, usedAt: 1 },
});

/** As a client commits: each mid is used once, and has one outcome, which may be any one of those that wait. */
const changes = fc
  .array(
    fc.record({
      type: fc.constantFrom("entry", "outcome", "model", "drop-model", "target" as const),
      // Few, so that much happens to each.
      target: fc.constantFrom("list:1/entry/2", "list:1"),
      number: fc.nat({ max: 9 }),
    }),
    { maxLength: 60 },
  )
  .map((all) => {
    const last = new Map<string, number>();
    const waiting: { readonly target: string; readonly mid: number }[] = [];
    return all.flatMap(({ type, target, number }): Change[] => {
      switch (type) {
        case "entry": {
          const mid = (last.get(target) ?? 0) + 1;
          last.set(target, mid);
          waiting.push({ target, mid });
          return [entry(target, mid)];
        }
        case "outcome": {
          const [one] = waiting.splice(number % (waiting.length || 1), 1);
          return one ? [{ type, ...one, sequence: number }] : [];
        }
        case "model":
          return [model(target, number)];
        case "drop-model":
          return [{ type, target }];
        case "target":
          return [{ type, target, settled: number, last: number }];
      }
    });
  });

const sorted = (
  draft: Pick<StoredClient, "targets" | "models"> & { readonly entries: Iterable<unknown> },
) => ({
  entries: [...draft.entries].map((one) => JSON.stringify(one)).toSorted(),
  targets: [...draft.targets].toSorted(([a], [b]) => (a < b ? -1 : 1)),
  models: [...draft.models].toSorted(([a], [b]) => (a < b ? -1 : 1)),
});

test("[OB6] [TB21] what is read is what folding the changes gives, however they are cut into commits and reloads", async () => {
  await fc.assert(
    fc.asyncProperty(changes, fc.integer({ min: 1, max: 5 }), fc.boolean(), async (all, size, reloads) => {
      const store = await storeOf("a", "b");
      const folded = nothingStored(owner);
      let index = newIndex();
      for (let i = 0; i < all.length; i += size) {
        const part = all.slice(i, i + size);
        for (const change of part) applyChange(folded, change);
        await commit(store, "a", index, part);
        if (reloads) ({ index } = (await readClient(store, "a"))!);
      }
      const found = (await readClient(store, "a"))!;
      expect(sorted(found.stored)).toEqual(sorted({ ...folded, entries: folded.entries.values() }));
      const waiting = [...folded.entries.values()].filter(({ sequence }) => sequence === undefined);
      expect(await countWaiting(store, "a")).toBe(waiting.length);
      // What is not needed any more leaves nothing behind, and another client's is not touched.
      const kept = folded.entries.size * 2 - waiting.length + folded.targets.size + folded.models.size;
      expect([...(await store.keys("of/a/"))]).toHaveLength(kept);
      expect(await store.keys("of/b/")).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

test("[TB21] a model that is dropped and stored anew in one commit frees nothing that is settled after it", async () => {
  const store = await storeOf("a");
  const index = newIndex();
  await commit(store, "a", index, [model("t", 3)]);
  const outcome: Change = { type: "outcome", target: "t", mid: 1, sequence: 5 };
  await commit(store, "a", index, [
    { type: "drop-model", target: "t" },
    model("t", 4),
    entry("t", 1),
    outcome,
  ]);
  await commit(store, "a", index, [model("t", 5)]);
  expect((await readClient(store, "a"))?.stored.entries).toEqual([]);
});

test("[TB21] S44 of a model that may be stored or not no settled entry goes that it may lack", async () => {
  const store = await storeOf("a");
  const index = newIndex();
  await commit(store, "a", index, [model("t", 3), entry("t", 1)]);
  // The transaction with the model at 6 fails: nobody knows whether it is there.
  const failed = [model("t", 6)];
  for (const change of failed) addChange(new Map(), "a", index, change);
  doubt(index, failed);
  await commit(store, "a", index, [{ type: "outcome", target: "t", mid: 1, sequence: 5 }]);
  expect((await readClient(store, "a"))?.stored.entries).toMatchObject([{ mid: 1, sequence: 5 }]);
  // A rejected one is shown by no model.
  await commit(store, "a", index, [entry("t", 2), { type: "outcome", target: "t", mid: 2, sequence: 0 }]);
  await commit(store, "a", index, [model("t", 6)]);
  expect((await readClient(store, "a"))?.stored.entries).toEqual([]);
  expect(await store.keys("of/a/")).toHaveLength(1);
});

test("[TB1] clients are listed by server, the last used first, and counted apart", async () => {
  const store = await storeOf("a", "b", "c");
  const values = new Map<string, unknown>([
    [usedKey("b"), 9],
    [ownerKey("c"), ownerOf({ server: "other", user: undefined })],
  ]);
  await store.commit({ expect: new Map(), clear: [], values });
  await commit(store, "a", newIndex(), [entry("t", 1), entry("t", 2)]);
  await commit(store, "c", newIndex(), [entry("t", 1)]);
  const found = await listClients(store, "s");
  expect(found.map(({ id, user, usedAt, token }) => [id, user, usedAt, token])).toEqual([
    ["b", "ann", 9, "t"],
    ["a", "ann", 1, "t"],
  ]);
  expect((await listClients(store, "other")).map(({ user }) => user)).toEqual([undefined]);
  expect([await countWaiting(store, "a"), await countWaiting(store, "b"), await countWaiting(store)]).toEqual(
    [2, 0, 3],
  );
});

test("[TB7] of a client that is cleared nothing stays", async () => {
  const store = await storeOf("a", "ab");
  await commit(store, "a", newIndex(), [entry("t", 1), model("t", 1)]);
  await store.commit({ expect: new Map(), clear: allOf("a"), values: new Map() });
  expect(await readClient(store, "a")).toBeUndefined();
  expect((await store.keys("")).every((key) => key.includes("/ab/"))).toBe(true);
});
