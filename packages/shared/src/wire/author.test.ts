import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { applyMessages } from "../updates/apply.ts";
import { authorTag, restOfTag, visitorName, visitorOf } from "./author.ts";
import { defineTopic } from "../wiring/define.ts";

const ids = defineTopic("ids:*", {
  model: z.array(z.string()),
  initial: () => [],
  messages: { made: z.object({}) },
  update: { made: (model, _, context) => [...model, context.id(), context.id()] },
});

interface By {
  readonly userId: string | null;
  readonly visitor: string;
}
const user = (userId: string): By => ({ userId, visitor: "" });
const visitor = (clientId: string): By => ({ userId: null, visitor: visitorOf(clientId, null, "ids:1") });
const server: By = { userId: null, visitor: "" };

function made(by: By, messageId: string, strict = false): readonly string[] {
  const applied = applyMessages(ids, [], [{ type: "made" }], { at: 1, ...by, messageId }, { strict });
  if (!applied.ok) throw new Error("refused");
  return applied.model as readonly string[];
}

describe("[WR16] [WR34] ids of different authors, message ids or counts are different", () => {
  /** What ids are made of, so that whatever could be mistaken for something else comes up. */
  const piece = fc.constantFrom(
    "~",
    "~u",
    "~v",
    "-",
    "-1",
    "-2",
    "_",
    "#",
    "ada",
    "u",
    "v",
    "~007e",
    "007e",
    "0",
    "f",
    ".",
  );
  const pieces = fc.array(piece, { maxLength: 5 }).map((all) => all.join(""));
  const messageId = fc
    .oneof(pieces, fc.string({ unit: "grapheme-ascii", maxLength: 8 }))
    .filter((id) => /^[!-~]{1,64}$/.test(id));
  const userId = fc.oneof(
    pieces,
    fc.string({ unit: "binary", maxLength: 6 }),
    fc.constantFrom("", "\ud800", "\udc00", "é", "e\u0301", "null"),
  );
  const clientId = fc
    .uint8Array({ minLength: 16, maxLength: 16 })
    .map((bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(""));
  const author = fc.oneof(
    userId.map((name) => ({ by: user(name), name: `user ${JSON.stringify(name)}` })),
    clientId.map((id) => ({ by: visitor(id), name: `visitor ${id}` })),
    fc.constant({ by: server, name: "server" }),
  );

  test("whatever message ids are sent and whatever users are called", () => {
    const whose = new Map<string, string>();
    fc.assert(
      fc.property(author, messageId, ({ by, name }, message) => {
        for (const [i, id] of made(by, message).entries()) {
          const origin = `${name} ${message} ${i}`;
          expect(whose.get(id) ?? origin).toBe(origin);
          whose.set(id, origin);
          // What is safe in a URL, as a name in an object and in an attribute; and no name that an object has already.
          expect(id).toMatch(/^[\w~-]+-[12](~[uv][\w~-]*)?$/);
        }
      }),
      { numRuns: 20_000 },
    );
    expect(whose.size).toBeGreaterThan(10_000);
  });

  test.each<[string, By, string, By, string]>([
    ["another user's message id", user("ada"), "m", user("eve"), "m"],
    ["a user called like what ends another's id", user("ada"), "m", user("a"), "m-1~uad"],
    ["a server's, by an id that looks like it", server, "m-1~uada", user("ada"), "m"],
    ["a visitor's, by a user of its name", visitor("c"), "m", user(visitor("c").visitor), "m"],
    ["a keyed dispatch's", server, "#key", user("ada"), "#key"],
    ["a user without a name", user(""), "m", server, "m"],
    ["a visitor's by the server", visitor("c"), "m", server, `m-1~v${visitor("c").visitor}`],
    ["composed and decomposed", user("é"), "m", user("e\u0301"), "m"],
    ["halves of surrogate pairs", user("\ud800"), "m", user("\udc00"), "m"],
    ["what stands for a character", user("~007e"), "m", user("~"), "m"],
  ])("%s", (_, a, first, b, second) => {
    expect(made(a, first).filter((id) => made(b, second).includes(id))).toEqual([]);
  });
});

test("[WR16] [WR34] the form of ids is pinned: logs hold models that are made of them", () => {
  expect(made(user("ada"), "m7")).toEqual(["m7-1~uada", "m7-2~uada"]);
  expect(made(user("ada@example.org"), "a_B-9")).toEqual([
    "a_B-9-1~uada~0040example~002eorg",
    "a_B-9-2~uada~0040example~002eorg",
  ]);
  expect(made(visitor("0123456789abcdef0123456789abcdef"), "m7")[0]).toMatchInlineSnapshot(
    `"m7-1~vtlzzkn-qb76pm"`,
  );
  expect(made(server, "#order 7")).toEqual(["~0023order~00207-1", "~0023order~00207-2"]);
  expect(made(server, "m7", true)).toEqual(["m7-1", "m7-2"]);
});

describe("[PR5] tags", () => {
  /** Ids as servers draw them, by chance that is the same in each run. */
  function drawing(): () => string {
    let state = 1;
    const word = (): string => {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0).toString(16).padStart(8, "0");
    };
    return () => word() + word() + word() + word();
  }

  test("those of one client in two topics tell nothing of each other, though a hash can be run backwards", () => {
    // Two clients with one tag in a topic: where one could be computed from the other they would have one everywhere.
    const seen = new Map<number, string>();
    let met = 0;
    const drawn = drawing();
    for (let n = 0; n < 400_000; n++) {
      const id = drawn();
      const tag = authorTag(id, "list:1");
      const other = seen.get(tag);
      seen.set(tag, id);
      if (other === undefined) continue;
      met++;
      expect(authorTag(id, "list:2")).not.toBe(authorTag(other, "list:2"));
      expect(restOfTag(id, "list:1")).not.toBe(restOfTag(other, "list:1"));
    }
    expect(met).toBeGreaterThan(5);
  });

  test("a visitor's name has 64 bits, each part in its place", () => {
    expect(visitorName(0xffffffff, 0)).toBe("1z141z3-0");
    expect(visitorName(1, 23)).not.toBe(visitorName(12, 3));
    expect(visitorOf("c", "ada", "list:1")).toBe("");
    expect(visitorOf("c", null, "list:1")).not.toBe(visitorOf("c", null, "list:2"));
  });
});
