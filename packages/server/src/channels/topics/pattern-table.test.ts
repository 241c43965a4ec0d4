import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { covers, matches, parsePattern } from "./pattern.ts";
import { PatternTable } from "./pattern-table.ts";

function tableOf(...texts: readonly string[]): PatternTable<number> {
  const table = new PatternTable<number>();
  for (const [place, text] of texts.entries()) table.add(parsePattern(text), place);
  return table;
}
/** Those that are refused are left out. */
function tableOfGood(texts: readonly string[]): PatternTable<number> {
  const table = new PatternTable<number>();
  for (const [place, text] of texts.entries())
    try {
      table.add(parsePattern(text), place);
    } catch (error) {
      expect(error).toMatchObject({ code: "wiring", details: { pattern: text } });
    }
  return table;
}

describe("of several patterns", () => {
  test("[CT8] the first that takes a topic has it, exact or not", () => {
    expect(tableOf("room:lobby", "room:*").find("room:lobby")?.value).toBe(0);
    const table = tableOf("a:*:c", "a:b:*:d", "a:*", "b", "*");
    expect(["a:b:c", "a:b", "b", "c"].map((topic) => table.find(topic)?.value)).toEqual([0, 2, 3, 4]);
    expect(table.find("a:b")?.pattern.text).toBe("a:*");
    const crossing = tableOf("*:b", "a:*");
    expect(["a:b", "a:c"].map((topic) => crossing.find(topic)?.value)).toEqual([0, 1]);
    expect(tableOf("room:*").find("user:1")).toBeUndefined();
    expect(tableOf("room:*").find("__proto__")).toBeUndefined();
    expect(tableOf("__proto__").find("__proto__")?.value).toBe(0);
  });

  test("[CT8] the first has it, whatever they are", () => {
    const text = fc
      .array(fc.constantFrom("*", "a", "b"), { minLength: 1, maxLength: 3 })
      .map((parts) => parts.join(":"));
    const topic = fc
      .array(fc.constantFrom("a", "b", ""), { minLength: 1, maxLength: 3 })
      .map((parts) => parts.join(":"));
    fc.assert(
      fc.property(fc.uniqueArray(text, { maxLength: 8 }), topic, (texts, wanted) => {
        const first = texts.findIndex((one) => matches(parsePattern(one), wanted));
        expect(tableOfGood(texts).find(wanted)?.value).toBe(first === -1 ? undefined : first);
      }),
      { numRuns: 1_000 },
    );
  });

  test("[CT11] a pattern all of whose topics are taken is an error that says what to do", () => {
    const table = tableOf("room:*");
    expect(() => table.add(parsePattern("room:lobby"), 7)).toThrow(
      'Channel pattern "room:lobby" would never get a topic: "room:*", which was registered before it, takes all of them. Register the narrower one first.',
    );
    expect(table.find("room:lobby")?.value).toBe(0);
    for (const text of ["room:a:*", "room:*:ops"]) expect(() => table.add(parsePattern(text), 7)).toThrow();
  });

  test("[CT11] it is one if, and only if, no topic reaches the pattern", () => {
    const part = fc.constantFrom("*", "a", "b");
    const text = fc
      .oneof(fc.array(part, { minLength: 1, maxLength: 3 }), fc.tuple(part, fc.constant(""), part))
      .map((parts) => parts.join(":"));
    // One segment more than any pattern has, and a text that none names.
    const topics = [1, 2, 3, 4].flatMap((length) => combined(["a", "b", "", "new"], length));
    fc.assert(
      fc.property(fc.uniqueArray(text, { minLength: 2, maxLength: 6 }), (texts) => {
        const last = parsePattern(texts.at(-1)!);
        const before = texts.slice(0, -1).map((one) => parsePattern(one));
        const reached = topics.some(
          (topic) => matches(last, topic) && !before.some((one) => matches(one, topic)),
        );
        expect(before.some((one) => covers(one, last))).toBe(!reached);
        const table = tableOfGood(texts.slice(0, -1));
        if (reached) table.add(last, -1);
        else expect(() => table.add(last, -1)).toThrow(/would never get a topic/);
      }),
      { numRuns: 1_000 },
    );
  });

  test.each(["room:lobby", "room:*", "document:*:ops"])(
    "[CT9] %s twice is an error, and the first stays",
    (text) => {
      const table = tableOf(text);
      expect(() => table.add(parsePattern(text), 7)).toThrow(/registered twice/);
      expect(table.find(text)?.value).toBe(0);
    },
  );
});

/** All topics of so many of these segments. */
function combined(segments: readonly string[], length: number): readonly string[] {
  if (length === 1) return segments;
  return combined(segments, length - 1).flatMap((head) => segments.map((tail) => `${head}:${tail}`));
}
