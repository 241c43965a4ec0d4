import { describe, expect, test, vi } from "vitest";
import * as z from "zod";
import { defineTopic, serverOnly } from "../wiring/define.ts";
import { CallaError } from "../base/errors.ts";
import { migrateMessages, migrateModel } from "./migrate.ts";
import type { ModelSlice } from "../wiring/slice.ts";

const board = defineTopic("board:*", {
  version: 3,
  model: z.object({ cards: z.array(z.object({ text: z.string() })) }),
  initial: () => ({ cards: [] }),
  messages: {
    added: z.object({ text: z.string() }),
    cleared: z.object({}),
    stamped: serverOnly(z.object({})),
  },
  update: {
    added: ({ cards }, { text }) => ({ cards: [...cards, { text }] }),
    cleared: () => ({ cards: [] }),
    stamped: (board) => board,
  },
  migrate: {
    1: {
      model(old: { readonly items: readonly string[] }) {
        if (old.items.includes("broken")) throw new Error("broken");
        if (old.items.includes("nothing")) return undefined as never;
        if (old.items.includes("wrong")) return { cards: [{ text: 1 as unknown as string }] };
        return { cards: old.items.map((text) => ({ text })) };
      },
      message(old, { drop }) {
        if (old.type === "voted") return drop("votes are gone");
        if (old.type === "broken") throw new Error("broken");
        if (old.type === "itemAdded") return { type: "added", text: String(old["item"]) };
        return old as never;
      },
    },
  },
});
const refusal = (messages: readonly unknown[], from = 1) => {
  const migrated = migrateMessages(board, messages, from, "client");
  if (migrated.ok) throw new Error("it was migrated");
  return migrated;
};

describe("[VE1] a model of an older version", () => {
  test("S38 becomes one of the present version, or goes as it is where it is one already", () => {
    expect(migrateModel(board, { items: ["milk"] }, 1)).toEqual({ cards: [{ text: "milk" }] });
    const asItIs = { cards: [] };
    expect(migrateModel(board, asItIs, 2)).toBe(asItIs);
  });

  test.each([
    ["its migration throws", { items: ["broken"] }, 1, /broken/],
    ["its migration gives nothing", { items: ["nothing"] }, 1, /returned undefined/],
    ["its migration gives a wrong model", { items: ["wrong"] }, 1, /cards\[0\]\.text/],
    ["no migration is there for it", { items: [] }, 2, /no model of version 3/],
    ["it is newer", { cards: [] }, 4, /newer than this slice's version 3/],
  ])("is refused with a reason where %s", (_, model, from, why) => {
    expect(() => migrateModel(board, model, from)).toThrow(why);
    try {
      migrateModel(board, model, from);
    } catch (error) {
      expect(error).toBeInstanceOf(CallaError);
      expect(error).toMatchObject({ code: "version", details: { slice: "board:*" } });
    }
  });
});

describe("[VE2] a message of an older version", () => {
  test("S11 becomes one of the present version, or goes as it is where it is one already", () => {
    expect(migrateMessages(board, [{ type: "itemAdded", item: "milk" }], 1, "client")).toEqual({
      ok: true,
      messages: [{ type: "added", text: "milk" }],
    });
    expect(migrateMessages(board, [{ type: "cleared" }], 2, "client")).toEqual({
      ok: true,
      messages: [{ type: "cleared" }],
    });
  });

  test("[VE10] S11 is dropped with its reason, and the whole dispatch with it", () => {
    const whole = refusal([{ type: "itemAdded", item: "milk" }, { type: "voted" }]);
    expect(whole).toMatchObject({
      code: "version",
      details: { from: 1, version: 3, reason: "votes are gone" },
    });
    expect(whole.error).toBeUndefined();
  });

  test("[VE10] S11 is refused with a code where its type is unknown, its fields are wrong, or it is newer", () => {
    expect(refusal([{ type: "voted" }], 2)).toMatchObject({ code: "unknown-message" });
    expect(refusal([{ type: "added", text: 1 }], 2)).toMatchObject({ code: "invalid" });
    expect(refusal([{ type: "added", text: "milk" }], 4)).toMatchObject({
      code: "version",
      details: { reason: "it is of a newer version" },
    });
    expect(refusal([{ type: "stamped" }])).toMatchObject({ code: "server-only" });
    expect(migrateMessages(board, [{ type: "stamped" }], 1, "server").ok).toBe(true);
  });

  test("S11 an asynchronous migration is refused, and what it rejects with later harms nobody", async () => {
    const unhandled = vi.fn();
    process.on("unhandledRejection", unhandled);
    const message = (() => Promise.reject(new Error("later"))) as never;
    const late: ModelSlice = { ...board, migrate: { 1: { message } } };
    const migrated = migrateMessages(late, [{ type: "itemAdded", item: "milk" }], 1, "client");
    expect(migrated).toMatchObject({ code: "version", details: { reason: "its migration failed" } });
    expect(String("error" in migrated && migrated.error)).toContain("returned a promise");
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  test("S11 never throws, whatever was stored and whatever the migration does", () => {
    const broken = refusal([{ type: "broken" }]);
    expect(broken).toMatchObject({ code: "version", details: { reason: "its migration failed" } });
    expect(String(broken.error)).toContain(
      'the message "broken" of version 1 could not be migrated: Error: broken',
    );
    for (const stored of [null, undefined, 1, "text", [], {}, { type: 1 }, { drop: "x" }]) {
      for (const from of [1, 2]) expect(refusal([stored], from).ok).toBe(false);
    }
  });
});
