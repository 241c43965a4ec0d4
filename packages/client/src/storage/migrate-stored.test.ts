import { defineTopic } from "@calla/shared";
import type { Dropped, Message } from "@calla/shared";
import * as z from "zod";
import { expect, test } from "vitest";
import { migrateStored, migrateStoredModel } from "./migrate-stored.ts";
import type { StoredEntry } from "./storage.ts";

const list = defineTopic("list:*", {
  version: 2,
  model: z.object({ items: z.array(z.string()) }),
  initial: () => ({ items: [] }),
  messages: { added: z.object({ text: z.string() }) },
  update: { added: ({ items }, { text }) => ({ items: [...items, text] }) },
  migrate: {
    1: {
      model: (old) => ({ items: old as string[] }),
      message: (old: Message, { drop }: { drop: (reason: string) => Dropped }) =>
        old.type === "put"
          ? { type: "added", text: (old as unknown as { what: string }).what }
          : drop("gone"),
    },
  },
});
const entry = (version: number, ...messages: unknown[]): StoredEntry => ({
  target: "list:1",
  mid: 1,
  id: "a",
  messages,
  at: 1,
  version,
});

test("[VE7] messages of an older version come in this one's form", () => {
  expect(migrateStored(entry(1, { type: "put", what: "milk" }), list)).toEqual({
    messages: [{ type: "added", text: "milk" }],
  });
});

test("[VE7] what is of this version, of no known slice, or given up is left as it is", () => {
  const messages = [{ type: "put", what: "milk" }];
  expect(migrateStored(entry(2, ...messages), list)).toEqual({ messages });
  expect(migrateStored(entry(1, ...messages), undefined)).toEqual({ messages });
  expect(migrateStored(entry(1), list)).toEqual({ messages: [] });
});

test("[VE7] where one of a dispatch means nothing any more none is sent, and its author is told why", () => {
  const mixed = entry(1, { type: "put", what: "milk" }, { type: "removed" });
  expect(migrateStored(mixed, list)).toMatchObject({
    messages: [],
    dropped: { code: "version", details: { from: 1, version: 2, reason: "gone" } },
  });
  expect(migrateStored(entry(3, { type: "new" }), list).dropped).toMatchObject({ code: "version" });
});

test("[VE7] a model of an older version is migrated; one that cannot be stays as it is, for its client to drop", () => {
  const stored = { sequence: 5, mark: 1, usedAt: 1, version: 1, model: ["milk"] };
  expect(migrateStoredModel(stored, list)).toEqual({ ...stored, version: 2, model: { items: ["milk"] } });
  const broken = { ...stored, model: [5] };
  expect(migrateStoredModel(broken, list)).toBe(broken);
  const newer = { ...stored, version: 3 };
  expect([migrateStoredModel(newer, list), migrateStoredModel(stored, undefined)]).toEqual([newer, stored]);
});
