import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fits } from "./guard.ts";
import type { Spec } from "./guard.ts";

/** What fits each spec, and what does not. */
const table: [spec: Spec, fitting: unknown[], other: unknown[]][] = [
  ["any", [undefined, null, 0, "", {}, []], []],
  ["null", [null], [undefined, 0, "null", {}]],
  ["string", ["", "x"], [undefined, null, 0, [], {}]],
  ["boolean", [true, false], [undefined, 0, "true"]],
  ["count", [0, 7, Number.MAX_SAFE_INTEGER], [-1, 0.5, Number.NaN, Infinity, 2 ** 53, 7n, "7"]],
  ["integer", [0, -7], [0.5, 2 ** 53, "7"]],
  ["bytes", ["", new Uint8Array(1), Buffer.alloc(1)], [[1], new ArrayBuffer(1), null]],
  ["count|null", [0, null], [undefined, "null", -1]],
  ["current|records", ["current", "records"], ["", "curren", "current|records", null]],
  [["count", "string"], [[0, "x"]], [[], [0], [0, "x", 1], ["x", 0], { 0: 0, 1: "x", length: 2 }, null]],
  [
    ["count", "*"],
    [[], [0], [1, 2, 3]],
    [[1, -1], ["1"], {}, { length: 0 }, "1"],
  ],
  [
    [["count", "any"], "*"],
    [[], [[0, "x"]]],
    [[0], [[0]], [["x", 0]]],
  ],
  [
    { a: "count", "b?": "string" },
    [{ a: 0 }, { a: 0, b: "x" }, { a: 0, b: undefined }, { a: 0, c: 1 }],
    [{}, { a: "0" }, { a: 0, b: 1 }, { a: undefined }, [], null, "a"],
  ],
  [{ "*": "count" }, [{}, { x: 1, y: 2 }], [{ x: 1, y: "2" }, [], null]],
  [{ a: { b: ["count", "*"] } }, [{ a: { b: [1] } }], [{ a: {} }, { a: { b: [null] } }]],
];

describe.each(table)("%j", (spec, fitting, other) => {
  test("fits what it says and nothing else", () => {
    for (const value of fitting) expect(fits(spec, value), JSON.stringify(value)).toBe(true);
    for (const value of other) expect(fits(spec, value), String(value)).toBe(false);
  });
});

test("[PR3] a field that a prototype has is no field of a frame", () => {
  expect(fits({ a: "count" }, Object.create({ a: 1 }))).toBe(false);
  expect(fits({ "a?": "count" }, Object.create({ a: "not looked at" }))).toBe(true);
  expect(fits({ toString: "any", "constructor?": "count" }, { toString: 1 })).toBe(true);
  expect(fits({ "*": "count" }, Object.create({ a: "x" }))).toBe(true);
});

test("[PR3] whatever there is, the answer is yes or no", () => {
  fc.assert(
    fc.property(fc.anything({ withNullPrototype: true, withBigInt: true, withMap: true }), (value) => {
      for (const [spec] of table) expect(typeof fits(spec, value)).toBe("boolean");
    }),
  );
});
