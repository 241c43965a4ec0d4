import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { place } from "../../../test/place.ts";
import { keyValueStoreContract } from "../../testing/key-value-store-contract.ts";
import { fileStore } from "./file-store.ts";
import type { StoreCommit } from "../key-value-store.ts";

const commitOf = (values: Readonly<Record<string, unknown>>, clear: readonly string[] = []): StoreCommit => ({
  expect: new Map(),
  clear,
  values: new Map(Object.entries(values)),
});

for (const { name, run } of keyValueStoreContract)
  test(name, async () => {
    const path = place();
    await expect(run({ open: () => fileStore(path) })).resolves.toBeUndefined();
  });

test("[TB11] what is cleared as a whole is gone from the disk, not only from what is read of it", async () => {
  const path = place();
  const store = await fileStore(path);
  await store.commit(commitOf({ a: "secret" }));
  await store.commit(commitOf({ generation: "g" }, [""]));
  expect(readFileSync(path, "utf8")).not.toContain("secret");
  await store.commit(commitOf({ b: 1 }));
  await store.close();
  const again = await fileStore(path);
  expect([...(await again.read(""))]).toEqual([
    ["generation", "g"],
    ["b", 1],
  ]);
  await again.close();
});

test("[TB11] a commit that is refused writes no line", async () => {
  const path = place();
  const store = await fileStore(path);
  const before = readFileSync(path, "utf8");
  expect(await store.commit({ ...commitOf({ a: 1 }), expect: new Map([["b", ["x"]]]) })).toBe(false);
  expect(readFileSync(path, "utf8")).toBe(before);
  await store.close();
});

test("[TB11] a line that is no commit refuses the file", async () => {
  for (const line of ["{}", '{"clear":[],"values":{}}', '{"values":[]}', "null", '{"form":1}']) {
    const path = place();
    writeFileSync(path, `{"form":1}\n${line}\n`);
    await expect(fileStore(path), line).rejects.toMatchObject({ details: { reason: "corrupt" } });
  }
});

test("[TB11] values of the whole domain come back: a serialiser without a text format makes bytes of messages", async () => {
  const path = place();
  const store = await fileStore(path);
  const value = { bytes: new Uint8Array([1, 2, 255]), map: new Map([["k", new Date(5)]]), none: undefined };
  await store.commit(commitOf({ value }));
  await store.close();
  const again = await fileStore(path);
  expect((await again.read("")).get("value")).toEqual(value);
  await again.close();
});
