import * as fc from "fast-check";
import { expect, test } from "vitest";
import { classTable } from "./classes.ts";
import { sameValue } from "./equal.ts";
import { CallaError } from "../base/errors.ts";
import { fromPlain } from "./from-plain.ts";
import { normalise } from "./normalise.ts";
import { toPlain } from "./to-plain.ts";
import { DEFAULT_MAX_DEPTH } from "./values.ts";
import { anyValue, fieldsOf, plainTree, Point, pointClass, Secret, secretClass } from "./values.arbitrary.ts";

const classes = classTable([pointClass, secretClass]);
const nested = (levels: number, leaf: unknown = 1): unknown =>
  levels === 0 ? leaf : [nested(levels - 1, leaf)];
const nestedMaps = (levels: number): unknown =>
  levels === 0
    ? "leaf"
    : levels % 2 === 0
      ? new Map([["k", nestedMaps(levels - 1)]])
      : fieldsOf([["$", nestedMaps(levels - 1)]], {});

/** The error's code and path, or "none". */
const refusal = (run: () => unknown): string => {
  try {
    run();
    return "none";
  } catch (thrown) {
    if (!(thrown instanceof CallaError)) throw thrown;
    return `${thrown.code} ${(thrown.details as { path?: string }).path}`;
  }
};

test("[CO2] normalise is idempotent", () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const once = normalise(value, { classes });
      expect(sameValue(normalise(once, { classes }), once)).toBe(true);
    }),
  );
});

test("[CO2] the copy shares nothing mutable with the original", () => {
  const original = {
    list: [{ n: 1 }],
    map: new Map([["k", { n: 1 }]]),
    set: new Set([1]),
    at: new Date(5),
    bytes: Uint8Array.of(1),
    point: new Point(1, [2]),
  };
  const copy = normalise(original, { classes }) as typeof original;
  const before = normalise(copy, { classes });
  original.list[0] = { n: 2 };
  (original.map.get("k") as { n: number }).n = 2;
  original.map.set("l", { n: 3 });
  original.set.add(2);
  original.at.setTime(6);
  original.bytes[0] = 2;
  (original.point.y as number[])[0] = 3;
  expect(copy).toStrictEqual(before);
});

test("[CO2] a getter is read once", () => {
  let reads = 0;
  const counting = {
    get n() {
      return ++reads;
    },
  };
  expect(normalise(counting)).toStrictEqual({ n: 1 });
  expect(reads).toBe(1);
});

test("[CO3] an undefined field is dropped, undefined elsewhere is kept, a hole is undefined", () => {
  const sparse: unknown[] = [];
  sparse[1] = undefined;
  expect(Object.keys(normalise({ a: undefined, b: 1 }) as object)).toEqual(["b"]);
  expect(normalise([undefined])).toStrictEqual([undefined]);
  expect(Object.keys(normalise(sparse) as object)).toEqual(["0", "1"]);
  expect(normalise(new Map([["k", undefined]]))).toStrictEqual(new Map([["k", undefined]]));
  expect(normalise(undefined)).toBe(undefined);
  expect(toPlain({ a: undefined })).toStrictEqual({});
  expect(fromPlain({ a: { $: "undefined" }, b: 1 })).toStrictEqual({ b: 1 });
  const entries = [
    ["$", 1],
    ["a", { $: "undefined" }],
  ];
  expect(fromPlain({ $: "object", v: entries })).toStrictEqual({ $: 1 });
});

test("[CO3] null prototypes, Buffers and objects of another realm become the plain thing", () => {
  const bytes = normalise(Buffer.from([1, 2])) as Uint8Array;
  expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
  expect(normalise(fieldsOf([["a", 1]], Object.create(null) as object))).toStrictEqual({ a: 1 });
  const foreignObject = Object.create(null) as object;
  Object.defineProperty(foreignObject, "isPrototypeOf", { value: () => false });
  const foreignArray = Object.create(foreignObject) as object;
  expect(normalise(fieldsOf([["a", 1]], Object.create(foreignObject) as object))).toStrictEqual({ a: 1 });
  expect(normalise(Object.setPrototypeOf([1], foreignArray))).toStrictEqual([1]);
});

test("[CO4] plain trees are the same reference through toPlain and fromPlain", () => {
  fc.assert(
    fc.property(plainTree, (tree) => {
      expect(toPlain(tree)).toBe(tree);
      expect(fromPlain(tree)).toBe(tree);
    }),
  );
});

test("[CO4] only what holds a tag is copied", () => {
  const untouched = { n: [1, 2] };
  const plain = toPlain({ untouched, at: new Date(7), after: untouched }) as Record<string, unknown>;
  expect(plain).toStrictEqual({ untouched, at: { $: "date", v: 7 }, after: untouched });
  expect(plain.untouched).toBe(untouched);
  const list = fromPlain([untouched, { $: "date", v: 7 }, untouched]) as unknown[];
  expect(list).toStrictEqual([untouched, new Date(7), untouched]);
  expect(list[0]).toBe(untouched);
});

test("[CO6] what is outside of the domain is refused with its path and what to do", () => {
  class Other {
    readonly n = 1;
  }
  const ring: Record<string, unknown> = {};
  ring.self = ring;
  const cases: [unknown, string, RegExp][] = [
    [() => 1, "", /^The value is a function; messages and models are data/],
    [{ cards: [{}, { due: Symbol("s") }] }, ".cards[1].due", /^\.cards\[1\]\.due is a symbol; /],
    [{ "a b": { [Symbol("s")]: 1 } }, '["a b"]', /field named by a symbol/],
    [new Map([[1, new Other()]]), "[0][1]", /instance of Other, .* register its class/],
    [new Set([1, /x/]), "[1]", /instance of RegExp/],
    [[new (class extends Map {})()], "[0]", /instance/],
    [[new (class extends Array {})()], "[0]", /instance/],
    [{ p: new (class Sub extends Point {})(1, 2) }, ".p", /instance of Sub/],
    [{ n: 10n ** 1000n }, ".n", /more than 1000 digits/],
    [
      {
        get bad(): number {
          throw new Error("no luck");
        },
      },
      ".bad",
      /threw when it was read: Error: no luck/,
    ],
    [
      {
        get bad(): number {
          throw Object.create(null);
        },
      },
      ".bad",
      /something without a text/,
    ],
    [{ b: new DataView(new ArrayBuffer(1)) }, ".b", /instance of DataView/],
    [new Point(1, () => 1), ".y", /function/],
    [Object.create(Date.prototype), "", /threw when it was read/],
  ];
  for (const [value, path, message] of cases) {
    // toPlain is for normal values, and does not look for symbols.
    for (const walk of path === '["a b"]' ? [normalise] : [normalise, toPlain]) {
      expect(refusal(() => walk(value, { classes }))).toBe(`invalid-value ${path}`);
      expect(() => walk(value, { classes })).toThrow(message);
    }
  }
  expect(refusal(() => normalise(ring))).toBe(`invalid-value ${".self".repeat(64)}`);
  expect(refusal(() => toPlain(ring))).toBe(`invalid-value ${".self".repeat(64)}`);
});

test("[CO6] a bigint has at most 1000 digits", () => {
  for (const edge of [10n ** 1000n - 1n, -(10n ** 1000n) + 1n]) {
    expect(fromPlain(toPlain(edge))).toBe(edge);
    expect(normalise(edge)).toBe(edge);
  }
  expect(refusal(() => toPlain(-(10n ** 1000n)))).toBe("invalid-value ");
  expect(refusal(() => fromPlain({ $: "bigint", v: "9".repeat(1001) }))).toBe("undecodable ");
});

test("[CO8] S29: hostile fields are refused in messages and own fields in models", () => {
  const hostile = ["__proto__", "constructor", "prototype"];
  for (const key of hostile) {
    const value = { a: [fieldsOf([[key, { polluted: true }]], {})] };
    expect(refusal(() => normalise(value, { hostileKeys: "refuse" }))).toBe(`invalid-value .a[0].${key}`);
    expect(refusal(() => fromPlain(toPlain(value), { hostileKeys: "refuse" }))).toMatch(
      /^hostile-key .a\[0\]/,
    );
    for (const copy of [normalise(value), fromPlain(toPlain(value))] as (typeof value)[]) {
      expect(Object.getOwnPropertyDescriptor(copy.a[0], key)?.value).toEqual({ polluted: true });
      expect(Object.getPrototypeOf(copy.a[0])).toBe(Object.prototype);
    }
    // As the key of a Map it is a text like any other.
    expect(normalise(new Map([[key, 1]]), { hostileKeys: "refuse" })).toStrictEqual(new Map([[key, 1]]));
  }
  expect(({} as { polluted?: boolean }).polluted).toBe(undefined);
});

test("[CO9] a bare __proto__ in a tree is refused", () => {
  expect(refusal(() => fromPlain(JSON.parse('{"a":{"__proto__":{"b":1}}}')))).toBe(
    "hostile-key .a.__proto__",
  );
});

test("[CO10] maxDepth: at, over, overridden, default", () => {
  expect(DEFAULT_MAX_DEPTH).toBe(64);
  for (const deep of [nested, nestedMaps]) {
    for (const [levels, options] of [
      [64, {}],
      [3, { maxDepth: 3 }],
      [400, { maxDepth: 400 }],
    ] as const) {
      const plain = toPlain(deep(levels), options);
      expect(sameValue(fromPlain(plain, options), normalise(deep(levels), options))).toBe(true);
      expect(refusal(() => normalise(deep(levels + 1), options))).toMatch(/^invalid-value/);
      expect(refusal(() => toPlain(deep(levels + 1), options))).toMatch(/^invalid-value/);
      const over = toPlain(deep(levels + 1), { maxDepth: 500 });
      expect(refusal(() => fromPlain(over, options))).toMatch(/^too-deep/);
    }
  }
});

test("[CO10] a scalar that needs a tag may stand where any scalar may", () => {
  for (const leaf of [1n, new Date(1), Number.NaN, undefined, "\ud800", Uint8Array.of(1)]) {
    const value = nested(64, leaf);
    expect(fromPlain(toPlain(value, { bytes: "base64" }))).toStrictEqual(value);
  }
});

test("[CO15] instances travel by the codec of exactly their class", () => {
  const plain = toPlain(new Secret("s"), { classes });
  expect(plain).toStrictEqual({ $: "Secret", v: "s" });
  expect((fromPlain(plain, { classes }) as Secret).reveal()).toBe("s");
  expect(refusal(() => fromPlain(plain))).toBe("undecodable ");
  expect(refusal(() => fromPlain([{ $: "Secret", v: 1 }], { classes }))).toBe("undecodable [0]");
});
