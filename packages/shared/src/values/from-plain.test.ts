import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CallaError } from "../base/errors.ts";
import { fromPlain } from "./from-plain.ts";

const refusal = (tree: unknown, options = {}): unknown => {
  try {
    fromPlain(tree, options);
    return undefined;
  } catch (thrown) {
    if (!(thrown instanceof CallaError)) throw thrown;
    return `${thrown.code} ${(thrown.details as { path: string }).path}`;
  }
};

describe("what a tag stands for", () => {
  test("is read back", () => {
    expect(fromPlain({ $: "set", v: [1, { $: "undefined" }] })).toStrictEqual(new Set([1, undefined]));
    expect(fromPlain({ $: "map", v: [[{ $: "date", v: 3 }, 1n]] })).toStrictEqual(
      new Map([[new Date(3), 1n]]),
    );
    expect(fromPlain({ $: "bytes", v: "AQL/" })).toStrictEqual(Uint8Array.of(1, 2, 255));
    expect(fromPlain({ $: "object", v: [["$", 1]] })).toStrictEqual({ $: 1 });
    expect(fromPlain({ $: "text", v: '"\\ud800"' })).toBe("\ud800");
  });

  test.each([
    { $: "number", v: "1" },
    { $: "number", v: 1 },
    { $: "undefined", v: 1 },
    { $: "undefined", w: 1 },
    { $: "bigint", v: "1e5" },
    { $: "bigint", v: "007" },
    { $: "bigint", v: "-0" },
    { $: "text", v: "{}" },
    { $: "text", v: '"\\x"' },
    { $: "bytes", v: "A" },
    { $: "bytes", v: 1 },
    { $: "date", v: 0.5 },
    { $: "date", v: 1e99 },
    { $: "date" },
    { $: "set", v: { length: 1 } },
    { $: "map", v: [[1]] },
    { $: "map", v: [[1, 2, 3]] },
    { $: "map", v: [{ 0: 1, 1: 2, length: 2 }] },
    { $: "object", v: [[1, 2]] },
    { $: "object", v: {} },
    { $: "set", v: [], more: 1 },
    { $: "nobody's", v: 1 },
    { $: 1, v: 1 },
    { $: ["set"], v: [] },
  ])("is refused, with its place, where toPlain never writes it: %j", (tree) => {
    // Of a map with a wrong entry, the entry's.
    const inside = tree.$ === "map" ? "[0]" : "";
    expect(refusal(tree)).toBe(`undecodable ${inside}`);
    expect(refusal({ a: [0, tree] })).toBe(`undecodable .a[1]${inside}`);
  });
});

test("is the same reference where there is no tag; bytes are copied out of the frame they came in", () => {
  const tree = { a: [1, { b: "c" }] };
  expect(fromPlain(tree)).toBe(tree);
  const frame = Uint8Array.of(9, 1, 2, 9);
  const { b } = fromPlain({ b: frame.subarray(1, 3) }) as { b: Uint8Array };
  frame.fill(0);
  expect(b).toStrictEqual(Uint8Array.of(1, 2));
});

test("[CO8] [CO9] a hostile field is no prototype's: refused bare, own from a tag, refused there where that is asked", () => {
  const tagged = {
    $: "object",
    v: [
      ["__proto__", { a: 1 }],
      ["constructor", 2],
    ],
  };
  const read = fromPlain(tagged) as object;
  expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
  expect(Object.entries(read)).toEqual([
    ["__proto__", { a: 1 }],
    ["constructor", 2],
  ]);
  expect(refusal(tagged, { hostileKeys: "refuse" })).toBe("hostile-key .__proto__");
  expect(refusal([{ constructor: 1 }], { hostileKeys: "refuse" })).toBe("hostile-key [0].constructor");
  expect(refusal(JSON.parse('[{"__proto__":1}]'))).toBe("hostile-key [0].__proto__");
});

test("whatever tree comes, it is a value or a typed error, and no prototype is touched", () => {
  const tree = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.jsonValue(),
      fc.record({
        $: fc.oneof(
          fc.constantFrom("set", "map", "object", "date", "bytes", "text", "bigint", "number", "undefined"),
          fc.string(),
        ),
        v: tie("any"),
      }),
      fc.array(tie("any"), { maxLength: 4 }),
      fc.dictionary(
        fc.oneof(fc.constantFrom("$", "v", "__proto__", "constructor"), fc.string()),
        tie("any"),
        { maxKeys: 4 },
      ),
    ),
  })).any;
  fc.assert(
    fc.property(tree, (any) => {
      expect(["undefined", "string"]).toContain(typeof refusal(any));
      expect(Object.keys(Object.prototype)).toEqual([]);
    }),
  );
});
