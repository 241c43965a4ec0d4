import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { matches, parsePattern } from "./pattern.ts";
import { PatternTable } from "./pattern-table.ts";

function tableOf(...texts: readonly string[]): PatternTable<number> {
  const table = new PatternTable<number>();
  for (const [place, text] of texts.entries()) table.add(parsePattern(text), place);
  return table;
}

describe("of several patterns", () => {
  test("[CT8] the first that takes a topic has it, exact or not", () => {
    expect(tableOf("room:lobby", "room:*").find("room:lobby")?.value).toBe(0);
    expect(tableOf("room:*", "room:lobby").find("room:lobby")?.value).toBe(0);
    const table = tableOf("a:*:c", "a:b:c", "a:*", "b", "*");
    expect(["a:b:c", "a:b", "b", "c"].map((topic) => table.find(topic)?.value)).toEqual([0, 2, 3, 4]);
    expect(table.find("a:b")?.pattern.text).toBe("a:*");
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
        expect(tableOf(...texts).find(wanted)?.value).toBe(first === -1 ? undefined : first);
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
