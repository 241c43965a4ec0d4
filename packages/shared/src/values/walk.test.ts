import { describe, expect, test } from "vitest";
import { CallaError } from "../base/errors.ts";
import { classTable } from "./classes.ts";
import { DEFAULT_MAX_DEPTH } from "./values.ts";
import { below, WalkRefusal } from "./refusal.ts";
import { deeper, emptyFor, mapFields, mapItems, setField, startWalk } from "./walk.ts";
import type { PlainOptions, Walk, WalkFields, WalkStep } from "./walk.ts";

/** A walk that makes texts loud, drops what is called so, and stops where it is told to. */
const loud: WalkStep = (value, depth, walk) => {
  if (value === "dropped") return undefined;
  if (value === "refused") throw new WalkRefusal("is refused.", "hostile-key");
  if (value === "broken") throw new RangeError("out of reach");
  if (typeof value === "string") return value.toUpperCase();
  if (Array.isArray(value)) return mapItems(value, loud, deeper(depth, walk), walk);
  if (typeof value === "object" && value !== null)
    return mapFields(value as WalkFields, Object.keys(value), loud, deeper(depth, walk), walk);
  return value;
};
const walked = (value: unknown, options: PlainOptions = {}, copies = false): unknown =>
  startWalk(value, loud, options, undefined, copies);
const refusal = (run: () => unknown): CallaError => {
  try {
    run();
  } catch (error) {
    if (error instanceof CallaError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
};

describe("what a walk makes", () => {
  test("[CO4] is the same object where nothing changes, down to the part that does", () => {
    const same = { list: [1, { n: Number.NaN }], zero: -0 };
    expect(walked(same)).toBe(same);
    const before = { first: same, text: "a", last: same };
    const after = walked(before) as typeof before;
    expect(after).toStrictEqual({ first: same, text: "A", last: same });
    expect([after.first, after.last, before.text]).toEqual([same, same, "a"]);
    expect(after.first).toBe(same);
    const items = [same, "a", same, "b"];
    const loudItems = walked(items) as unknown[];
    expect(loudItems).toStrictEqual([same, "A", same, "B"]);
    expect(loudItems[2]).toBe(same);
    expect(items).toEqual([same, "a", same, "b"]);
  });

  test("[CO2] keeps no reference where it copies, whatever changes", () => {
    const value = { list: [[1]], fields: { n: 1 } };
    const copy = walked(value, {}, true) as typeof value;
    expect(copy).toStrictEqual(value);
    expect([copy === value, copy.list === value.list, copy.list[0] === value.list[0]]).toEqual([
      false,
      false,
      false,
    ]);
    expect(copy.fields).not.toBe(value.fields);
  });

  test("[CO3] has no undefined field, wherever it stands and whoever made it so; items stay", () => {
    for (const [before, after] of [
      [{ a: undefined }, {}],
      [{ a: undefined, b: 1 }, { b: 1 }],
      [
        { a: 1, b: undefined, c: 2 },
        { a: 1, c: 2 },
      ],
      [
        { a: 1, b: "dropped", c: "c", d: "dropped" },
        { a: 1, c: "C" },
      ],
    ] as const) {
      const keys = Object.keys(before);
      for (const copies of [false, true]) {
        const found = walked(before, {}, copies) as object;
        expect(found).toStrictEqual(after);
        expect(Object.keys(found)).toEqual(Object.keys(after));
      }
      expect(Object.keys(before)).toEqual(keys);
    }
    expect(walked([undefined, "dropped", "a"])).toStrictEqual([undefined, undefined, "A"]);
  });

  test("takes each item and each field once, and nothing behind them", () => {
    const seen: unknown[] = [];
    const look: WalkStep = (value, depth) => {
      seen.push([value, depth]);
      return value;
    };
    mapItems(["a", undefined], look, 3, { copies: false } as Walk);
    mapFields({ a: 1, b: undefined, c: 2, d: 3 }, ["a", "b", "c"], look, 4, { copies: false } as Walk);
    expect(seen).toEqual([
      ["a", 3],
      [undefined, 3],
      [1, 4],
      [2, 4],
    ]);
  });

  test("[CO3] of an array of another realm is an array of this one", () => {
    const foreign = Object.setPrototypeOf(["a"], { slice: undefined }) as unknown[];
    const copy = mapItems(foreign, loud, 0, { copies: false } as Walk);
    expect([Object.getPrototypeOf(copy), copy]).toEqual([Array.prototype, ["A"]]);
  });

  test("takes its options to every step, complete", () => {
    const seen: Walk[] = [];
    const look: WalkStep = (value, _, walk) => {
      seen.push(walk);
      return value;
    };
    const classes = classTable([]);
    startWalk(1, look, {});
    startWalk(1, look, { classes, maxDepth: 3, hostileKeys: "refuse", bytes: "base64" }, undefined, true);
    expect(seen).toMatchObject([
      { classes: undefined, maxDepth: DEFAULT_MAX_DEPTH, refuses: false, base64: false, copies: false },
      { classes, maxDepth: 3, refuses: true, base64: true, copies: true },
    ]);
    // Two values never share a buffer.
    expect(seen[0]!.bytes).not.toBe(seen[1]!.bytes);
    startWalk(1, look, { hostileKeys: "keep", bytes: "native" });
    expect(seen[2]).toMatchObject({ refuses: false, base64: false });
  });
});

describe("where a walk stops", () => {
  test("[CO6] the path leads to the spot, through fields of any name and through items", () => {
    for (const [value, path] of [
      ["refused", ""],
      [["a", "refused"], "[1]"],
      [{ cards: [1, 2, 3, { due: "refused" }] }, ".cards[3].due"],
      [{ "a b": { "": ["refused"] } }, '["a b"][""][0]'],
      [{ 'say "x"': "refused" }, '["say \\"x\\""]'],
      [{ 7: "refused" }, ".7"],
    ] as const) {
      const error = refusal(() => walked(value));
      expect(error).toMatchObject({ code: "hostile-key", details: { path, problem: "is refused." } });
      expect(error.message).toBe(`${path || "The value"} is refused.`);
    }
  });

  test("[CO6] the first place is named, and what was walked before stays as it was", () => {
    const value = { a: "a", b: ["refused", "refused"], c: "refused" };
    expect(refusal(() => walked(value)).details).toMatchObject({ path: ".b[0]" });
    expect(value).toEqual({ a: "a", b: ["refused", "refused"], c: "refused" });
  });

  test("a refusal has its own code, unless there is one for all", () => {
    expect(refusal(() => walked("refused")).code).toBe("hostile-key");
    expect(refusal(() => startWalk("refused", loud, {}, "invalid-value")).code).toBe("invalid-value");
    expect(new WalkRefusal("x").code).toBe("undecodable");
  });

  test("whatever else is thrown on the way is a refusal there: a getter's, a class's", () => {
    const value = {
      inside: [
        {
          get it(): string {
            throw new TypeError("not yet");
          },
        },
      ],
    };
    const error = refusal(() => walked(value));
    expect(error).toMatchObject({ code: "undecodable", details: { path: ".inside[0].it" } });
    expect(error.message).toBe(".inside[0].it threw when it was read: TypeError: not yet.");
    expect(refusal(() => walked("broken")).message).toBe(
      "The value threw when it was read: RangeError: out of reach.",
    );
  });

  test("one level up a refusal stays the same one, with a longer path", () => {
    const first = new WalkRefusal("is refused.");
    expect(below("b", below(0, first))).toBe(first);
    expect(first.path).toBe(".b[0]");
    expect(below("a", new Error("x"))).toMatchObject({ path: ".a", code: "undecodable" });
  });

  test("[CO10] so many levels are fine and one more is not; a cycle is more", () => {
    const nested = (levels: number): unknown => (levels === 0 ? "leaf" : [nested(levels - 1)]);
    expect(walked(nested(3), { maxDepth: 3 })).toEqual([[["LEAF"]]]);
    const error = refusal(() => walked(nested(4), { maxDepth: 3 }));
    expect(error).toMatchObject({ code: "too-deep", details: { path: "[0][0][0]" } });
    expect(error.message).toMatch(/is nested in more than 3 levels or holds itself\.$/);
    expect(walked(nested(DEFAULT_MAX_DEPTH))).toBeDefined();
    expect(refusal(() => walked(nested(DEFAULT_MAX_DEPTH + 1))).code).toBe("too-deep");
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    expect(refusal(() => walked(cycle)).code).toBe("too-deep");
    expect([deeper(0, { maxDepth: 1 } as Walk)]).toEqual([1]);
  });
});

describe("[CO8] a field", () => {
  test("that a prototype has too becomes the object's own, like any other", () => {
    for (const key of ["__proto__", "constructor", "toString", "plain", "0", "4294967295"]) {
      const fields = emptyFor(key);
      setField(fields, key, { own: true });
      expect(Object.getOwnPropertyDescriptor(fields, key), key).toEqual({
        value: { own: true },
        writable: true,
        enumerable: true,
        configurable: true,
      });
      expect(Object.getPrototypeOf(fields)).toBe(Object.prototype);
      setField(fields, key, 2);
      expect(Object.entries(fields)).toEqual([[key, 2]]);
    }
    expect(({} as { own?: boolean }).own).toBeUndefined();
  });

  test("that is named by a number leaves nothing else behind", () => {
    expect(Object.getOwnPropertyNames(emptyFor("1000"))).toEqual([]);
    const fields = walked({ 5: "a", 1000: "b", text: "c" }) as object;
    expect(fields).toStrictEqual({ 5: "A", 1000: "B", text: "C" });
    expect(emptyFor(undefined)).toStrictEqual({});
  });
});
