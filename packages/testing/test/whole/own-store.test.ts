// The store of docs/storage.md, as it is printed there: it keeps the contract, and a client goes on after a reload.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, memoryLocks, tabStorage } from "@calla/client";
import type { KeyValueStore } from "@calla/client";
import { keyValueStoreContract } from "@calla/client/testing";
import { automatic, defineTopic, defineWiring, json } from "@calla/shared";
import * as z from "zod";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const page = new URL("../../../../docs/storage.md", import.meta.url);
// Beside the tests, so that the packages are found as a reader's program would find them.
const folder = new URL("./.own-store/", import.meta.url);
let places = "";
let place = 0;
let sqliteStore: (path: string) => KeyValueStore;

beforeAll(async () => {
  const [, code] = /```ts\n\/\/ store.ts\n([\s\S]*?)```/.exec(await readFile(page, "utf8"))!;
  await mkdir(folder, { recursive: true });
  await writeFile(new URL("store.ts", folder), code!);
  places = await mkdtemp(join(tmpdir(), "calla-own-store-"));
  ({ sqliteStore } = (await import(new URL("store.ts", folder).href)) as {
    sqliteStore: typeof sqliteStore;
  });
});
afterAll(() => Promise.all([folder, places].map((path) => rm(path, { recursive: true, force: true }))));
const newPath = (): string => join(places, `${place++}.db`);

describe("the store of docs/storage.md", () => {
  for (const { name, run } of keyValueStoreContract)
    test(name, async () => {
      const path = newPath();
      await expect(run({ open: () => sqliteStore(path) })).resolves.toBeUndefined();
    });

  test("[OB1] what was queued there is pending after a reload", async () => {
    const list = defineTopic("list:*", {
      model: z.object({ items: z.array(z.string()) }),
      initial: () => ({ items: [] }),
      messages: { added: z.object({ text: z.string() }) },
      update: { added: ({ items }, { text }) => ({ items: [...items, text] }) },
    });
    const path = newPath();
    const locks = memoryLocks();
    const open = () =>
      createClient({
        wiring: defineWiring({ topics: [list] }),
        serialiser: automatic(json()),
        transport: {
          reconnect: { baseMilliseconds: 60_000, maxMilliseconds: 60_000, multiplier: 1, jitterRatio: 0 },
          connect: () => ({ send() {}, close() {} }),
        },
        storage: tabStorage({ store: () => sqliteStore(path), locks: () => locks.page() }),
        user: "robot-7",
      });
    const first = open();
    await first.topic(list, "1").dispatch({ type: "added", text: "a" }).queued;
    await first.close();
    const second = open();
    await expect.poll(() => second.pending.length).toBe(1);
    expect(second.pending[0]?.messages).toEqual([{ type: "added", text: "a" }]);
    await second.close();
  });
});
