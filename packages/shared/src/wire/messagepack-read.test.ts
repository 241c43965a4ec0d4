import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MessagePackReader } from "./messagepack-read.ts";

const bytesOf = (...pieces: (number | string)[]): Uint8Array =>
  Uint8Array.from(
    pieces.flatMap((piece) => (typeof piece === "number" ? [piece] : [...new TextEncoder().encode(piece)])),
  );
/** A text with the head that its length asks for. */
const text = (value: string): Uint8Array => {
  const { length } = bytesOf(value);
  return length < 32 ? bytesOf(0xa0 + length, value) : bytesOf(0xda, length >> 8, length & 255, value);
};
const read = (bytes: Uint8Array, maxNames = 1_000, reader = new MessagePackReader()) =>
  reader.read(bytes, maxNames);
/** An object of these names, each with 1. */
const named = (...names: string[]): Uint8Array =>
  bytesOf(0xde, names.length >> 8, names.length & 255, ...names.flatMap((name) => [...text(name), 1]));

describe("a value", () => {
  test.each<[string, (number | string)[], unknown]>([
    ["positive fixint", [0x7f], 127],
    ["negative fixint", [0xe0], -32],
    ["nil", [0xc0], null],
    ["false and true", [0x92, 0xc2, 0xc3], [false, true]],
    ["uint 8", [0xcc, 0xff], 255],
    ["uint 16", [0xcd, 0xff, 0xfe], 65_534],
    ["uint 32", [0xce, 0xff, 0xff, 0xff, 0xfe], 2 ** 32 - 2],
    ["uint 64", [0xcf, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], Number.MAX_SAFE_INTEGER],
    ["int 8", [0xd0, 0x80], -128],
    ["int 16", [0xd1, 0x80, 0], -32_768],
    ["int 32", [0xd2, 0x80, 0, 0, 0], -(2 ** 31)],
    ["int 64", [0xd3, 0xff, 0xe0, 0, 0, 0, 0, 0, 1], Number.MIN_SAFE_INTEGER],
    ["float 32", [0xca, 0x3f, 0xc0, 0, 0], 1.5],
    ["float 64", [0xcb, 0xbf, 0xf8, 0, 0, 0, 0, 0, 0], -1.5],
    ["str 8", [0xd9, 2, "hé".slice(0, 1), "x"], "hx"],
    ["str 16", [0xda, 0, 3, "hé"], "hé"],
    ["str 32", [0xdb, 0, 0, 0, 1, "h"], "h"],
    ["array 16", [0xdc, 0, 2, 1, 2], [1, 2]],
    ["array 32", [0xdd, 0, 0, 0, 1, 1], [1]],
    ["map 16", [0xde, 0, 1, 0xa1, "a", 1], { a: 1 }],
    ["map 32", [0xdf, 0, 0, 0, 1, 0xa1, "a", 0x80], { a: {} }],
    ["bin 8", [0xc4, 2, 1, 2], Uint8Array.of(1, 2)],
    ["bin 16", [0xc5, 0, 1, 1], Uint8Array.of(1)],
    ["bin 32", [0xc6, 0, 0, 0, 1, 1], Uint8Array.of(1)],
  ])("of %s is read, and what stands behind it", (_, pieces, value) => {
    expect(read(bytesOf(...pieces))).toStrictEqual(value);
    expect(read(bytesOf(0x92, ...pieces, 7))).toStrictEqual([value, 7]);
  });

  test("of an array with many items is an array like another", () => {
    const items = read(bytesOf(0xdc, 0, 100, ...Array.from({ length: 100 }, (_, i) => i))) as number[];
    expect(items).toStrictEqual(Array.from({ length: 100 }, (_, i) => i));
  });
});

test("texts of any length and range are what they were, as values and as names", () => {
  const reader = new MessagePackReader();
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 40 }), (value) => {
      fc.pre(value !== "__proto__");
      expect(read(text(value), 1_000, reader)).toBe(value);
      expect(Object.keys(read(named(value), 1_000, reader) as object)).toEqual([value]);
      // The second time the name is known.
      expect(Object.keys(read(named(value), 1_000, reader) as object)).toEqual([value]);
    }),
  );
});

describe("names", () => {
  const many = Array.from({ length: 50 }, (_, i) => `name ${i}`);

  test("are counted by frame, each once, whether known from an earlier frame or not", () => {
    const reader = new MessagePackReader();
    for (let frame = 0; frame < 3; frame++) {
      expect(() => read(named(...many), 50, reader)).not.toThrow();
      expect(() => read(named(...many), 49, reader)).toThrow(expect.objectContaining({ code: "too-large" }));
    }
    const twice = bytesOf(0x92, ...named("a"), ...named("a"));
    expect(read(twice, 1, reader)).toEqual([{ a: 1 }, { a: 1 }]);
  });

  test("that are long or no ASCII are counted once as well", () => {
    for (const name of ["x".repeat(40), "é"]) {
      expect(read(bytesOf(0x92, ...named(name), ...named(name)), 1)).toHaveLength(2);
      expect(() => read(bytesOf(0x92, ...named(name), ...named("a")), 1)).toThrow(
        expect.objectContaining({ code: "too-large" }),
      );
    }
  });

  test("of the same length and hash are told apart", () => {
    // "Aa" and "BB" have one hash.
    const reader = new MessagePackReader();
    for (let frame = 0; frame < 2; frame++)
      expect(read(named("Aa", "BB", "Aaa", "BBa"), 10, reader)).toEqual({ Aa: 1, BB: 1, Aaa: 1, BBa: 1 });
  });

  test("[CO9] __proto__ is refused, and the reader goes on with the next frame", () => {
    const reader = new MessagePackReader();
    for (let frame = 0; frame < 2; frame++)
      expect(() => read(named("__proto__"), 10, reader)).toThrow(
        expect.objectContaining({ code: "hostile-key" }),
      );
    expect(read(named("proto"), 10, reader)).toEqual({ proto: 1 });
  });

  test("that are numbers come in the order of an object's own fields", () => {
    expect(read(named("7", "a", "3"))).toEqual({ 3: 1, 7: 1, a: 1 });
  });
});
