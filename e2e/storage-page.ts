// Runs in a page (storage.spec.ts bundles it): the contract of storages in the browser's own IndexedDB, with its own
// Web Locks, and how long a dispatch takes to be queued there.
import { createClient } from "@calla/client";
import type { Transport } from "@calla/client";
import { indexedDb } from "@calla/client/indexeddb";
import { storageContract } from "@calla/client/testing";
import { automatic, defineTopic, defineWiring, json } from "@calla/shared";
import * as z from "zod";

/** A server that never answers. */
const silence: Transport = {
  reconnect: { baseMilliseconds: 60_000, maxMilliseconds: 60_000, multiplier: 1, jitterRatio: 0 },
  connect: () => ({ send() {}, close() {} }),
};
const list = defineTopic("list:*", {
  model: z.object({ items: z.array(z.string()) }),
  initial: () => ({ items: [] }),
  messages: { added: z.object({ text: z.string() }) },
  update: { added: ({ items }, { text }) => ({ items: [...items, text] }) },
});

async function contract(): Promise<string[]> {
  const failed: string[] = [];
  for (const [i, { name, run }] of storageContract.entries()) {
    try {
      await run({
        open() {
          sessionStorage.clear();
          return indexedDb(`contract ${i}`);
        },
      });
    } catch (error) {
      failed.push(`${name}: ${String(error)}`);
    }
  }
  return [...failed, `${storageContract.length} checks`];
}

/** Milliseconds from each of so many dispatches, one after the other, to its `queued`. */
async function queued(durability: "strict" | "relaxed", count: number): Promise<number[]> {
  const client = createClient({
    wiring: defineWiring({ topics: [list] }),
    serialiser: automatic(json()),
    transport: silence,
    storage: indexedDb(`queued ${durability}`, { durability }),
    user: null,
  });
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const began = performance.now();
    await client.topic(list, "1").dispatch({ type: "added", text: `text ${i}` }).queued;
    times.push(performance.now() - began);
  }
  await client.close();
  return times;
}

Object.assign(globalThis, { contract, queued });
