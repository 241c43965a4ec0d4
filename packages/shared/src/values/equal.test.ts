import * as fc from "fast-check";
import { expect, test } from "vitest";
import { classTable } from "./classes.ts";
import { comparing, sameInOrder, sameValue } from "./equal.ts";
import { hashValue } from "./hash-value.ts";
import { normalise } from "./normalise.ts";
import { toPlain } from "./to-plain.ts";
import { anyValue, fieldsOf, Point, pointClass, Secret, secretClass } from "./values.arbitrary.ts";

const classes = classTable([pointClass, secretClass]);

/** A text that is the same exactly for the same value, by another way than the code under test. */
function canonical(value: unknown): string {
  return text(toPlain(normalise(value, { classes }), { classes, bytes: "base64" }));
}
function text(tree: unknown): string {
  if (Array.isArray(tree)) return `[${tree.map(text).join()}]`;
  if (typeof tree !== "object" || tree === null) return JSON.stringify(tree);
  const { $: tag, v } = tree as { $?: string; v?: unknown[] };
  if (tag === "map" || tag === "set" || tag === "object")
    return `${tag}(${(v ?? []).map(text).toSorted().join()})`;
  if (tag === undefined)
    return `object(${Object.entries(tree)
      .map(([k, x]) => text([k, x]))
      .toSorted()
      .join()})`;
  return `${tag}(${text(v ?? null)})`;
}

/** The same value with everything that has no order in another order. */
function shuffled(value: unknown): unknown {
  if (value instanceof Map)
    return new Map([...value].toReversed().map(([k, v]) => [shuffled(k), shuffled(v)]));
  if (value instanceof Set) return new Set([...value].toReversed().map(shuffled));
  if (Array.isArray(value)) return value.map(shuffled);
  if (value instanceof Point) return new Point(value.x, shuffled(value.y));
  if (typeof value !== "object" || value === null || value instanceof Secret) return value;
  if (value instanceof Date || value instanceof Uint8Array) return value;
  const entries = Object.entries(value)
    .toReversed()
    .map(([k, v]) => [k, shuffled(v)] as const);
  return fieldsOf(entries, {});
}

test("[CO19] [CO20] a value is the same as its shuffled copy, with the same hash", () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const copy = shuffled(normalise(value, { classes }));
      expect(sameValue(value, copy)).toBe(true);
      expect(sameValue(copy, value)).toBe(true);
      expect(hashValue(value)).toBe(hashValue(copy));
      expect(hashValue(value, 7)).toBe(hashValue(copy, 7));
    }),
    { numRuns: 1_000 },
  );
});

test("[CO19] two values are the same exactly when they are written the same", () => {
  fc.assert(
    fc.property(anyValue, anyValue, (a, b) => {
      const same = canonical(a) === canonical(b);
      expect(sameValue(a, b)).toBe(same);
      expect(sameValue(b, a)).toBe(same);
      expect(sameValue([a, b], [b, a])).toBe(same);
      expect(sameValue(new Set([[a], [b]]), new Set([[b], [a]]))).toBe(true);
      expect(
        sameValue(
          new Map([
            [[a], 1],
            [[b], 2],
          ]),
          new Map([
            [[b], 1],
            [[a], 2],
          ]),
        ),
      ).toBe(same);
    }),
    { numRuns: 1_000 },
  );
});

test("[CO19] the corners of equality", () => {
  const same: [unknown, unknown][] = [
    [Number.NaN, Number.NaN],
    [{ a: undefined }, {}],
    [[undefined], Array.from({ length: 1 })],
    [new Date(Number.NaN), new Date(Number.NaN)],
    [{ a: 1 }, fieldsOf([["a", 1]], Object.create(null) as object)],
    [Uint8Array.of(1), Buffer.from([1])],
    [new Secret("a"), new Secret("a")],
  ];
  const different: [unknown, unknown][] = [
    [0, -0],
    [1, 1n],
    [1, "1"],
    [null, undefined],
    [{}, []],
    [{}, fieldsOf([["__proto__", {}]], {})],
    [fieldsOf([["__proto__", {}]], {}), {}],
    [fieldsOf([["__proto__", {}]], {}), { a: 1 }],
    [{ a: 1 }, { b: 1 }],
    [
      { a: 1, b: undefined },
      { a: undefined, b: 1 },
    ],
    [new Map([[1, 1]]), new Map([[1, 2]])],
    [new Map<unknown, unknown>([[1, 1]]), new Map<unknown, unknown>([[{}, 1]])],
    [new Set<unknown>([{}, 1]), new Set<unknown>([{}, 2])],
    [new Set([{}, []]), new Set([{}, {}])],
    [new Set([[1], [1], [2]]), new Set([[1], [2], [2]])],
    [new Map(), new Set()],
    [new Date(1), new Date(2)],
    [Uint8Array.of(1), Uint8Array.of(2)],
    [Uint8Array.of(1), [1]],
    [new Secret("a"), new Secret("b")],
    [new Point(1, 2), { x: 1, y: 2 }],
    [
      new (class A {
        n = 1;
      })(),
      new (class B {
        n = 1;
      })(),
    ],
    [/a/, /a/],
  ];
  for (const [a, b] of same) {
    expect(sameValue(a, b), String(a)).toBe(true);
    expect(hashValue(a)).toBe(hashValue(b));
  }
  for (const [a, b] of different) expect([sameValue(a, b), sameValue(b, a)]).toEqual([false, false]);
});

test("[CO19] identity answers first, so a shared part is not walked", () => {
  const part = {
    get n(): number {
      throw new Error("walked");
    },
  };
  expect(sameValue({ part, at: 1 }, { part, at: 1 })).toBe(true);
});

test("[CO19] cycles end in a typed error", () => {
  const ring = (): unknown[] => {
    const list: unknown[] = [];
    list.push(list);
    return list;
  };
  expect(() => sameValue(ring(), ring())).toThrow(/too-deep/);
  expect(() => hashValue(ring())).toThrow(/too-deep/);
});

test("[CO19] large Sets of objects are compared by digest, not each with each", () => {
  const many = (from: number): Set<unknown> =>
    new Set(Array.from({ length: 20_000 }, (_, i) => ({ n: (i + from) % 20_000 })));
  expect(sameValue(many(0), many(7_000))).toBe(true);
});

test("[CO22] two values are the same in order exactly when the wire has them as the same text", () => {
  const written = (value: unknown): string =>
    JSON.stringify(toPlain(normalise(value, { classes }), { classes, bytes: "base64" }));
  fc.assert(
    fc.property(anyValue, anyValue, (a, b) => {
      expect(sameInOrder(a, normalise(a, { classes }))).toBe(true);
      expect(sameInOrder(a, b)).toBe(written(a) === written(b));
      const other = shuffled(normalise(a, { classes }));
      expect(sameInOrder(a, other)).toBe(written(a) === written(other));
    }),
    { numRuns: 1_000 },
  );
});

test("[CO22] order counts in fields, Maps and Sets; undefined fields still do not", () => {
  const gone = undefined;
  expect(sameInOrder({ a: 1, gone, b: 2 }, { a: 1, b: 2 })).toBe(true);
  expect(sameInOrder({ a: 1, b: 2 }, { b: 2, a: 1 })).toBe(false);
  expect(sameInOrder(new Set([1, 2]), new Set([2, 1]))).toBe(false);
  const map = (...keys: string[]) => new Map(keys.map((key) => [key, { key }]));
  expect(sameInOrder(map("a", "b"), map("a", "b"))).toBe(true);
  expect(sameInOrder(map("a", "b"), map("b", "a"))).toBe(false);
  expect(sameInOrder(new Point(1, map("a", "b")), new Point(1, map("b", "a")))).toBe(false);
});

test.each([10, 3_000])(
  "[CO22] records of %d fields are compared from the end, and no further than to the first difference",
  (size) => {
    const read: string[] = [];
    const watched = (n: number) => ({
      get n() {
        read.push("n");
        return n;
      },
    });
    const record = (changes: object) => ({
      ...Object.fromEntries(Array.from({ length: size }, (_, i) => [`i${i}`, watched(i)])),
      ...changes,
    });
    const before = record({});
    for (const [other, expected] of [
      [{ ...before, [`i${size - 1}`]: { n: -1 } }, false],
      [{ ...before, more: { n: 1 } }, false],
      [{ ...before, gone: undefined }, true],
      [{ ...before }, true],
    ] as const)
      expect(sameInOrder(before, other)).toBe(expected);
    // Only the one field that is another object was looked into.
    expect(read).toEqual(["n"]);
    expect(sameInOrder(record({ gone: undefined, i1: watched(1) }), before)).toBe(true);
    expect(sameInOrder({ a: undefined, b: 1, c: undefined }, { b: 1 })).toBe(true);
    expect(sameInOrder({ b: 1 }, { a: 1, b: 1 })).toBe(false);
    expect(sameInOrder({ c: undefined }, {})).toBe(true);
    expect(sameInOrder(new Map([[1, 2]]), new Map([[1, 3]]))).toBe(false);
    expect(sameInOrder(new Map([[1, 2]]), new Set([1]))).toBe(false);
  },
);

test("[CO22] what cannot be compared is not the same, where that must not throw", () => {
  const cycle = (): unknown => {
    const one: { self?: unknown } = {};
    one.self = one;
    return one;
  };
  expect(() => sameInOrder(cycle(), cycle())).toThrow();
  const same = comparing(sameInOrder);
  expect(same(cycle(), cycle())).toBe(false);
  expect(same({ a: [1] }, { a: [1] })).toBe(true);
  expect(same({ a: 1 }, { a: 2 })).toBe(false);
});
