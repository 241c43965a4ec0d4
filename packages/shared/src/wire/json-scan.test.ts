import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PER_BYTES, PER_CONTAINER, PER_TABLE, PER_TAG } from "../values/count-values.ts";
import { scanJson } from "./json-scan.ts";

const WIDE = { maxDepth: 100, maxEntries: 1e6, maxValues: 1e6, maxNames: 1e6 };
const scan = (text: string, limits: Partial<typeof WIDE> = {}) => scanJson(text, { ...WIDE, ...limits });
const refusal = (text: string, limits: Partial<typeof WIDE> = {}): unknown => {
  try {
    scan(text, limits);
    return undefined;
  } catch (thrown) {
    return (thrown as { code: string }).code;
  }
};
/** The fewest values with which it passes. */
function valuesOf(text: string): number {
  for (let maxValues = 0; ; maxValues++) if (refusal(text, { maxValues }) === undefined) return maxValues;
}

describe("what a text holds", () => {
  test("is counted as values, not as names, whatever white space and texts hold", () => {
    expect(valuesOf("1")).toBe(1);
    expect(valuesOf(' [ 1 , "a,b:[{" , true , null ] ')).toBe(PER_CONTAINER + 1 - 1 + 4);
    expect(valuesOf('{"a":{"b":-1.5e3},"c":"\\"]}"}')).toBe(2 * PER_CONTAINER + 2);
    expect(valuesOf("[]")).toBe(PER_CONTAINER);
  });

  test("costs more where a tag, bytes or a table is made of it", () => {
    const plain = valuesOf('{"a":1}');
    expect(valuesOf('{"$":"date","v":1}') - valuesOf('{"a":"date","v":1}')).toBe(PER_TAG);
    expect(valuesOf('{"$":"bytes","v":"AA=="}') - valuesOf('{"$":"date","v":"AA=="}')).toBe(PER_BYTES);
    expect(valuesOf('{"7":1}') - plain).toBe(PER_TABLE);
    // One table for all names of an object, and none for an object inside of it.
    expect(valuesOf('{"7":1,"8":1}') - valuesOf('{"a":1,"b":1}')).toBe(PER_TABLE);
    expect(valuesOf('{"7":{"a":1},"8":1}') - valuesOf('{"a":{"a":1},"b":1}')).toBe(PER_TABLE);
    // Who escapes a name counts as having what it may be.
    expect(valuesOf('{"\\u0024":"x"}') - plain).toBe(PER_TAG);
    expect(valuesOf('{"$":"\\u0062ytes"}') - plain).toBe(PER_TAG + PER_BYTES);
    expect(valuesOf('{"\\u0037":1}') - plain).toBe(PER_TABLE);
  });
});

describe("a limit", () => {
  test("on levels holds at its value and refuses over it, and levels that were left do not count", () => {
    expect(refusal("[[[]]]", { maxDepth: 3 })).toBeUndefined();
    expect(refusal("[[[[]]]]", { maxDepth: 3 })).toBe("too-deep");
    expect(refusal('[[[]],[[]],{"a":[]}]', { maxDepth: 3 })).toBeUndefined();
  });

  test("on entries is one list's or object's, wherever it stands", () => {
    expect(refusal("[1,2,3]", { maxEntries: 3 })).toBeUndefined();
    expect(refusal("[1,2,3,4]", { maxEntries: 3 })).toBe("too-large");
    expect(refusal("[[],[],[],[]]", { maxEntries: 3 })).toBe("too-large");
    expect(refusal("[[1,2,3],[1,2,3],[1,2,3]]", { maxEntries: 3 })).toBeUndefined();
    // Counting goes on behind what was inside.
    expect(refusal('[1,{"a":1,"b":2},2,3]', { maxEntries: 3 })).toBe("too-large");
    expect(refusal('{"7":[1],"a":1,"b":1,"c":1}', { maxEntries: 3 })).toBe("too-large");
  });

  test("on names is on such as differ", () => {
    const names = (count: number) => `[${Array.from({ length: count }, (_, i) => `{"n${i}":1}`).join()}]`;
    expect(refusal(names(50), { maxNames: 50 })).toBeUndefined();
    expect(refusal(names(51), { maxNames: 50 })).toBe("too-large");
    expect(refusal(`[${'{"a":1},'.repeat(999)}1]`, { maxNames: 1 })).toBeUndefined();
  });
});

test("[CO9] a field __proto__ is refused however it is escaped; the text is a value like another", () => {
  for (const name of ["__proto__", "\\u005f_proto__", "__pr\\u006Fto__", "__proto\\u005F\\u005f"])
    for (const text of [`{"${name}":1}`, `[{"a":{"${name}" : {}}}]`])
      expect(refusal(text), text).toBe("hostile-key");
  for (const text of [
    '"__proto__"',
    '["__proto__"]',
    '{"a":"__proto__"}',
    '{"__proto":1}',
    '{"\\u005f":1}',
    '{"__proto__x":1}',
    '{"x\\\\__proto__":1}',
  ])
    expect(refusal(text), text).toBeUndefined();
  // The rest of it is counted where any key is taken.
  expect(() => scanJson('{"__proto__":1}', WIDE, "any-key")).not.toThrow();
  expect(() => scanJson('{"__proto__":[1]}', { ...WIDE, maxDepth: 1 }, "any-key")).toThrow("too-deep");
});

test("whatever JSON there is passes where its limits are what it has, and is counted the same in any spacing", () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      if (text.includes("__proto__")) return;
      expect(refusal(text)).toBeUndefined();
      const spaced = JSON.stringify(JSON.parse(text), null, 2);
      const most = valuesOf(JSON.stringify(JSON.parse(text)));
      expect(refusal(spaced, { maxValues: most })).toBeUndefined();
      expect(refusal(spaced, { maxValues: most - 1 })).toBe("too-large");
    }),
  );
});

test("what is no JSON is none of its business, and stops it neither", () => {
  for (const text of ["", "]", "}}", '"', '"\\', "[[", '{"a', ":::", "\u0000"])
    expect(() => scan(text)).not.toThrow();
});
