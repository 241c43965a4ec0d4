import { expect, test } from "vitest";
import { keyValueStoreContract } from "../../testing/key-value-store-contract.ts";
import { memoryStore } from "./memory-store.ts";
import type { StoredValues } from "./memory-store.ts";

for (const { name, run } of keyValueStoreContract)
  test(name, async () => {
    const all: StoredValues = new Map();
    await expect(run({ open: () => memoryStore(all) })).resolves.toBeUndefined();
  });

test("[TB20] what was read does not change with what is committed later", async () => {
  const store = memoryStore(new Map([["a", 1]]));
  const before = await store.read("");
  await store.commit({ expect: new Map(), clear: [""], values: new Map([["b", 2]]) });
  expect([...before]).toEqual([["a", 1]]);
});
