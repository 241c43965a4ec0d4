import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { beforeEach, expect, test } from "vitest";
import { VirtualClock } from "../../../test/kit.ts";
import { keyValueStoreContract } from "../../testing/key-value-store-contract.ts";
import { indexedDbStore } from "./indexeddb-store.ts";

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});
const open = (clock = new VirtualClock()) =>
  indexedDbStore({ name: "test", durability: "strict", openTimeout: 5_000, clock });
const nothing = { expect: new Map<string, readonly string[]>(), clear: [] };

for (const { name, run } of keyValueStoreContract)
  test(name, async () => {
    await expect(run({ open: () => open() })).resolves.toBeUndefined();
  });

test("[TB9] a database that does not open in time is given up, and closed if it opens after all", async () => {
  const real = globalThis.indexedDB.open.bind(globalThis.indexedDB);
  let late: (() => void) | undefined;
  const opened = new Promise<IDBDatabase>((resolve) => {
    globalThis.indexedDB.open = (...given) => {
      const request = real(...given);
      const add = request.addEventListener.bind(request) as (type: string, heard: () => void) => void;
      request.addEventListener = ((type: string, heard: () => void) =>
        add(type, () => {
          if (type !== "success") return heard();
          late = heard;
          resolve(request.result);
        })) as typeof request.addEventListener;
      return request;
    };
  });
  const clock = new VirtualClock();
  const store = open(clock);
  const told = store.catch((error: unknown) => error);
  const database = await opened;
  await clock.advance(5_000);
  expect(await told).toMatchObject({ details: { reason: "blocked" } });
  expect(() => database.transaction("all")).not.toThrow();
  late?.();
  await clock.advance(0);
  expect(() => database.transaction("all")).toThrow();
});

test("[TB8] a commit asks the browser for the durability that the app wants", async () => {
  const asked: unknown[] = [];
  const real = IDBDatabase.prototype.transaction;
  IDBDatabase.prototype.transaction = function (this: IDBDatabase, ...given) {
    if (given[1] === "readwrite") asked.push(given[2]?.durability);
    return real.apply(this, given);
  };
  try {
    for (const durability of ["strict", "relaxed"] as const) {
      const store = await indexedDbStore({
        name: durability,
        durability,
        openTimeout: 5_000,
        clock: new VirtualClock(),
      });
      await store.commit({ ...nothing, values: new Map([["a", 1]]) });
      await store.close();
    }
  } finally {
    IDBDatabase.prototype.transaction = real;
  }
  expect(asked).toEqual(["strict", "relaxed"]);
});

test("[TB12] what was closed opens again by itself at the next use", async () => {
  const store = await open();
  await store.commit({ ...nothing, values: new Map([["a", 1]]) });
  await store.close();
  expect([...(await store.read(""))]).toEqual([["a", 1]]);
  await store.close();
});
