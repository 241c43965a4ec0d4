import { describe, expect, test } from "vitest";
import { classTable } from "./classes.ts";
import { toPlain } from "./to-plain.ts";
import { Point, pointClass } from "./values.arbitrary.ts";

describe("a tree for a format", () => {
  test.each([
    [Number.NaN, { $: "number", v: "NaN" }],
    [-Infinity, { $: "number", v: "-Infinity" }],
    [-0, { $: "number", v: "-0" }],
    [undefined, { $: "undefined" }],
    [-12n, { $: "bigint", v: "-12" }],
    ["\ud800", { $: "text", v: '"\\ud800"' }],
    [new Date(5), { $: "date", v: 5 }],
    [new Date(Number.NaN), { $: "date", v: null }],
    [new Set([1, Number.NaN]), { $: "set", v: [1, { $: "number", v: "NaN" }] }],
    [new Map([[1, new Set()]]), { $: "map", v: [[1, { $: "set", v: [] }]] }],
    [{ $: "date" }, { $: "object", v: [["$", "date"]] }],
    [{ a: undefined, b: 1 }, { b: 1 }],
  ])("tags what JSON has not: %o", (value, tree) => {
    expect(toPlain(value)).toStrictEqual(tree);
    expect(toPlain([value])).toStrictEqual([tree]);
  });

  test("[CO4] is the same reference wherever nothing needs a tag, also beside what does", () => {
    const same = { list: [1, "x", { deep: true }] };
    expect(toPlain(same)).toBe(same);
    const tree = toPlain({ same, date: new Date(1) }) as { same: unknown };
    expect(tree.same).toBe(same);
    const list = toPlain([same, 1n, same]) as unknown[];
    expect([list[0], list[2]]).toEqual([same, same]);
    expect(list[0]).toBe(same);
  });

  test("has bytes as they are, or as text for a format without", () => {
    const bytes = Uint8Array.of(1, 2, 255);
    expect(toPlain(bytes)).toBe(bytes);
    expect(toPlain([bytes], { bytes: "base64" })).toStrictEqual([{ $: "bytes", v: "AQL/" }]);
  });

  test("[CO15] has an instance as its class's codec writes it, and what that returns is walked in turn", () => {
    const classes = classTable([pointClass]);
    const tree = toPlain([new Point(1, new Date(2))], { classes });
    expect(tree).toStrictEqual([{ $: "Point", v: expect.anything() }]);
    expect(JSON.stringify(tree)).toContain('{"$":"date","v":2}');
  });

  test("changes nothing of what it was made of", () => {
    const value = Object.freeze({ a: Object.freeze([1n]), $: 1 });
    expect(toPlain(value)).toStrictEqual({
      $: "object",
      v: [
        ["a", [{ $: "bigint", v: "1" }]],
        ["$", 1],
      ],
    });
    expect(value).toStrictEqual({ a: [1n], $: 1 });
  });
});
