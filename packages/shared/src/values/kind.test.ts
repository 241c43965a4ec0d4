// What values of another realm are: those that an iframe, Jest or `node:vm` hands over have prototypes of their own.
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { json } from "../wire/json-format.ts";
import { messagePack } from "../wire/messagepack.ts";
import { countValues } from "./count-values.ts";
import { sameInOrder, sameValue } from "./equal.ts";
import { deepFreeze } from "./freeze.ts";
import { fromPlain } from "./from-plain.ts";
import { hashValue } from "./hash-value.ts";
import { isBytes, kindOf } from "./kind.ts";
import { normalise } from "./normalise.ts";
import { toPlain } from "./to-plain.ts";

const elsewhere = (code: string): unknown => runInNewContext(`(${code})`) as unknown;
const values = [
  ["date", "new Date(1763)", new Date(1763)],
  ["date", "new Date(NaN)", new Date(Number.NaN)],
  [
    "map",
    'new Map([[{ a: 1 }, "one"], ["b", new Set()]])',
    new Map<unknown, unknown>([
      [{ a: 1 }, "one"],
      ["b", new Set()],
    ]),
  ],
  ["set", "new Set([new Map(), 1])", new Set([new Map(), 1])],
  ["bytes", "new Uint8Array([1, 2, 255])", new Uint8Array([1, 2, 255])],
  ["array", "[new Date(0), { a: [1n] }]", [new Date(0), { a: [1n] }]],
  ["object", "{ at: new Date(0), bytes: new Uint8Array(2) }", { at: new Date(0), bytes: new Uint8Array(2) }],
] as const;

describe("[CO38] a value of another realm", () => {
  test.each(values)("is a %s as it is here: %s", (kind, code, own) => {
    const foreign = elsewhere(code) as object;
    expect(kindOf(foreign)).toBe(kind);
    expect(normalise(foreign)).toStrictEqual(own);
    expect(sameValue(foreign, own)).toBe(true);
    expect(sameInOrder(own, foreign)).toBe(true);
    expect(hashValue(foreign)).toBe(hashValue(own));
    expect(countValues(foreign)).toBe(countValues(own));
    expect(deepFreeze(foreign)).toBe(foreign);
    for (const format of [json(), messagePack()]) {
      const frame = format.encode(toPlain(foreign, { bytes: format.binary ? "native" : "base64" }));
      expect(fromPlain(format.decode(frame))).toStrictEqual(own);
    }
  });

  test("may be a frame, and the bytes that a decoder made of it", () => {
    const own = messagePack().encode({ bytes: new Uint8Array([1, 2]) }) as Uint8Array;
    const frame = runInNewContext("Uint8Array.from(own)", { own }) as Uint8Array;
    expect(fromPlain(messagePack().decode(frame))).toStrictEqual({ bytes: new Uint8Array([1, 2]) });
    const tree = { bytes: elsewhere("new Uint8Array([1, 2])") };
    expect(fromPlain(tree)).toStrictEqual({ bytes: new Uint8Array([1, 2]) });
  });

  test("of a class is an instance, as it is here", () => {
    for (const code of [
      "new (class Point {})()",
      "new (class extends Map {})()",
      "new (class extends Date {})()",
      "/a/",
      "new WeakMap()",
      "new Error()",
      "Promise.resolve()",
    ]) {
      expect(kindOf(elsewhere(code) as object)).toBe("instance");
      expect(() => normalise(elsewhere(code))).toThrow(/is an instance of/);
    }
  });

  test.each(["Map", "Set", "Date", "Uint8Array"])("that only calls itself a %s is none", (name) => {
    const code = `new (class { get [Symbol.toStringTag]() { return "${name}"; } })()`;
    expect(kindOf(elsewhere(code) as object)).toBe("instance");
    expect(isBytes(elsewhere(code))).toBe(false);
  });

  test("that throws when it is asked for its name is an instance", () => {
    expect(kindOf(elsewhere("new (class { get [Symbol.toStringTag]() { throw 1; } })()") as object)).toBe(
      "instance",
    );
  });
});

test("[CO38] bytes are those of Uint8Array and what extends it, of every realm, and no other view", () => {
  class Own extends Uint8Array {}
  for (const bytes of [
    new Uint8Array(1),
    Buffer.alloc(1),
    new Own(1),
    elsewhere("new (class extends Uint8Array {})(1)"),
  ])
    expect(isBytes(bytes)).toBe(true);
  for (const none of [
    new Uint8ClampedArray(1),
    new DataView(new ArrayBuffer(1)),
    new ArrayBuffer(1),
    [1],
    null,
    "a",
    elsewhere("new Int8Array(1)"),
    Object.create(Uint8Array.prototype),
  ])
    expect(isBytes(none)).toBe(false);
});
