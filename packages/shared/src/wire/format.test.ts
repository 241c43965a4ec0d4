import { encode } from "@msgpack/msgpack";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { countValues } from "../values/count-values.ts";
import { CallaError } from "../base/errors.ts";
import { json } from "./json-format.ts";
import { messagePack } from "./messagepack.ts";
import { automatic, DEFAULT_DECODE_LIMITS } from "./serialiser.ts";
import type { Format } from "./serialiser.ts";
import { anyValue, pointClass, secretClass } from "../values/values.arbitrary.ts";

const formats: readonly Format[] = [json(), messagePack()];
const [text, binary] = formats as [Format, Format];
const limits = DEFAULT_DECODE_LIMITS;
const code = (name: string): Error => expect.objectContaining({ code: name }) as Error;
const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);

test("[CO9] a bare __proto__ is refused, however it is escaped", () => {
  const escaped = [
    "__proto__",
    "\\u005f_proto__",
    "__prot\\u006f__",
    "\\u005F\\u005F\\u0070roto__",
    "__\\u0070\\u0072oto__",
  ];
  for (const key of escaped) {
    for (const frame of [`{"${key}":{"polluted":1}}`, `[[{"a":{"${key}":1}}]]`]) {
      expect(() => text.decode(frame), frame).toThrow(code("hostile-key"));
    }
  }
  // As a text, and beside an escape that is none, it is harmless.
  for (const frame of [
    '{"a":"__proto__"}',
    '{"\\\\u005f_proto__":1}',
    '{"a":"\\u0000"}',
    '{"proto__":"__"}',
  ]) {
    expect(text.decode(frame)).toStrictEqual(JSON.parse(frame));
  }
  const bytes = encode(JSON.parse('{"a":[{"__proto__":1}]}'));
  expect(() => binary.decode(bytes)).toThrow(code("hostile-key"));
  expect(() => binary.decode(Uint8Array.of(0x81, 0xd9, 9, ...Buffer.from("__proto__"), 1))).toThrow(
    code("hostile-key"),
  );
  expect(({} as { polluted?: number }).polluted).toBe(undefined);
});

test("[CO10] nesting of a tree: at, over, overridden, default", () => {
  expect(limits.maxDepth).toBe(64);
  for (const format of formats) {
    for (const [levels, own] of [
      [3 * 64 + 8, undefined],
      [3 * 2 + 8, { ...limits, maxDepth: 2 }],
      [1_508, { ...limits, maxDepth: 500 }],
    ] as const) {
      expect(format.decode(format.encode(nested(levels)), own)).toStrictEqual(nested(levels));
      expect(() => format.decode(format.encode(nested(levels + 1)), own)).toThrow(code("too-deep"));
    }
  }
});

test("[CO10] S29: nesting by the hundred thousand is a typed error, and decoding goes on", () => {
  const many = 400_000;
  expect(() => text.decode("[".repeat(many) + "]".repeat(many))).toThrow(CallaError);
  expect(() => text.decode('{"a":'.repeat(many / 4) + "1" + "}".repeat(many / 4))).toThrow(CallaError);
  expect(() => text.decode("[".repeat(many))).toThrow(code("too-deep"));
  expect(() => binary.decode(new Uint8Array(many).fill(0x91))).toThrow(CallaError);
  expect(() => binary.decode(new Uint8Array(many).fill(0x81))).toThrow(code("undecodable"));
  for (const format of formats) expect(format.decode(format.encode({ a: 1 }))).toEqual({ a: 1 });
});

test("[CO11] maxFrameBytes: at, over, overridden, default", () => {
  expect(limits.maxFrameBytes).toBe(1_048_576);
  const frame = (bytes: number): string => JSON.stringify("x".repeat(bytes - 2));
  expect(text.decode(frame(1_048_576))).toHaveLength(1_048_574);
  expect(() => text.decode(frame(1_048_577))).toThrow(code("too-large"));
  const bytes = (size: number): Uint8Array => binary.encode(new Uint8Array(size - 5)) as Uint8Array;
  expect(binary.decode(bytes(1_048_576))).toHaveLength(1_048_571);
  expect(() => binary.decode(bytes(1_048_577))).toThrow(code("too-large"));
  const own = { ...limits, maxFrameBytes: 10 };
  expect(text.decode(frame(10), own)).toBe("xxxxxxxx");
  expect(() => text.decode(frame(11), own)).toThrow(code("too-large"));
  expect(binary.decode(binary.encode("xxxxxxxxx"), own)).toBe("xxxxxxxxx");
  expect(() => binary.decode(binary.encode("xxxxxxxxxx"), own)).toThrow(code("too-large"));
});

test("[CO11] a text frame is measured in UTF-8", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 30 }), (content) => {
      const frame = JSON.stringify(content);
      const size = Buffer.byteLength(frame);
      expect(text.decode(frame, { ...limits, maxFrameBytes: size })).toBe(content);
      expect(() => text.decode(frame, { ...limits, maxFrameBytes: size - 1 })).toThrow(code("too-large"));
    }),
  );
});

test("[CO11] maxEntries: at, over, overridden, default", () => {
  expect(limits.maxEntries).toBe(100_000);
  const list = (count: number): unknown => Array.from({ length: count }, () => 1);
  const fields = (count: number): unknown =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`${i}`, 1]));
  for (const format of formats) {
    for (const make of [list, fields]) {
      for (const [count, own] of [
        [100_000, { ...limits, maxFrameBytes: 1e8, maxNames: Infinity }],
        [3, { ...limits, maxEntries: 3 }],
        [17, { ...limits, maxEntries: 17 }],
      ] as const) {
        expect(format.decode(format.encode([make(count)]), own)).toEqual([make(count)]);
        expect(() => format.decode(format.encode([make(count + 1)]), own)).toThrow(code("too-large"));
      }
    }
  }
});

const scalars = (count: number): unknown => Array.from({ length: count }, (_, i) => (i % 2 ? "text" : 1.5));
const shapes: { readonly [name: string]: unknown } = {
  scalars: [1, -2.5, "x", true, null],
  "one scalar": 7,
  "an empty object": {},
  "an empty array": [],
  objects: [{ a: 1, b: { c: [[]] } }, {}],
  "names with digits": [{ "1": {}, "2": [{ a: 1, "9z": { "0": 0 } }] }, { a1: { "": 1 } }, { "1": 1 }, {}],
  "many bytes": { a: [new Uint8Array(0), new Uint8Array(40)], b: "bytes" },
  "what needs a tag": [-0, Number.NaN, undefined, 12n, new Date(3), new Uint8Array(2), "\ud800"],
  maps: new Map<unknown, unknown>([
    [1, new Map()],
    [{ a: 1 }, new Set([1, "2", [3]])],
  ]),
  nested: nested(20),
};
test.each(Object.entries(shapes))(
  "[CO24] [CO30] %s: taken at their count of values, refused over it",
  (_, value) => {
    // A lone surrogate is one of the few that countValues takes for less than the wire makes of it.
    const count = countValues(value) + (value === shapes["what needs a tag"] ? 9 : 0);
    for (const format of formats) {
      const plain = automatic(format).payload(format).encodeMessage(value);
      const data = format.encode(plain);
      expect(format.decode(data, { ...limits, maxValues: count })).toEqual(plain);
      expect(() => format.decode(data, { ...limits, maxValues: count - 1 })).toThrow(code("too-large"));
    }
  },
);

test("[CO24] maxValues: default, wherever they stand, whatever stands in texts", () => {
  expect(limits.maxValues).toBe(300_000);
  const own = { ...limits, maxFrameBytes: 1e8 };
  for (const format of formats) {
    const at = Array.from({ length: 3 }, () => scalars(99_999)) as unknown[][];
    const most = [...at.slice(0, 2), at[2]!.slice(0, 100_000 - 10)];
    expect(countValues(most)).toBe(300_000);
    expect(format.decode(format.encode(most), own)).toEqual(most);
    expect(() => format.decode(format.encode(at), own)).toThrow(code("too-large"));
  }
  const texts = ['[,[,{"', "\\", '\\"', "[".repeat(500), "é,\u2028", ""];
  expect(text.decode(JSON.stringify(texts), { ...limits, maxValues: 3 + texts.length })).toEqual(texts);
  // Who escapes what no encoder does is counted like whoever does not.
  for (const [hidden, count] of [
    ['{"\\u0024":"bytes","v":""}', 15],
    ['{"$":"b\\u0079tes","v":""}', 15],
    ['{"\\u0031":0}', 16],
    ['{"\\n":0}', 4],
  ] as const) {
    expect(text.decode(hidden, { ...limits, maxValues: count })).toEqual(JSON.parse(hidden));
    expect(() => text.decode(hidden, { ...limits, maxValues: count - 1, maxDepth: 1 })).toThrow(
      code("too-large"),
    );
  }
  const spaced = ' {\n"a" : [ 1 ,\t2.5e3 , true] , "b":"x" }\r\n';
  expect(text.decode(spaced, { ...limits, maxValues: 10 })).toEqual({ a: [1, 2500, true], b: "x" });
  expect(() => text.decode(spaced, { ...limits, maxValues: 9 })).toThrow(code("too-large"));
});

test("[CO24] texts of every length and range come back as they are, as names too", () => {
  const units = ["a", "é", "\u20ac", "\ud83d\ude00", "\u0000", "\ufeff", "z\u07ff", "\uffff"];
  for (let length = 0; length < 40; length++) {
    for (const unit of units) {
      for (const one of [unit.repeat(length), "x".repeat(length) + unit, unit + "x".repeat(length)]) {
        expect(binary.decode(binary.encode([one, { [one]: one }, one]))).toEqual([one, { [one]: one }, one]);
      }
    }
  }
});

test("[CO24] [CO31] maxNames: at, over, overridden, default; a name that returns soon counts once", () => {
  expect(limits.maxNames).toBe(10_000);
  const named = (count: number, times = 1): unknown =>
    Array.from({ length: count * times }, (_, i) => ({
      [`n${i % count}`]: i % 2,
      ["name".repeat(9) + (i % count)]: 1,
    }));
  for (const format of formats) {
    for (const [count, own, most] of [
      [5_000, { ...limits, maxFrameBytes: 1e8 }, 1],
      [2, { ...limits, maxNames: 4 }, 9_000],
      [60, { ...limits, maxFrameBytes: 1e8, maxNames: 120 }, 99],
    ] as const) {
      // Again by one decoder: what it remembers from frame to frame is counted anew.
      for (const times of [1, most, 1])
        expect(format.decode(format.encode(named(count, times)), own)).toEqual(named(count, times));
      expect(() => format.decode(format.encode(named(count + 1)), own)).toThrow(code("too-large"));
    }
    // Names that are met again after too many others cost what new ones cost.
    const again = named(4_000, 2);
    expect(() => format.decode(format.encode(again), { ...limits, maxFrameBytes: 1e8 })).toThrow(
      code("too-large"),
    );
    expect(format.decode(format.encode(again), { ...limits, maxFrameBytes: 1e8, maxNames: 16_000 })).toEqual(
      again,
    );
  }
});

test("[CO25] fields with far numbers for names cost what others cost, read, copied and tagged", () => {
  const named = (name: (i: number) => string, value: unknown) =>
    Array.from({ length: 2_000 }, (_, i) => ({ 1: 0, [name(i)]: value }));
  for (const format of formats) {
    const codec = automatic(format).payload(format);
    /** Bytes that a decoded value keeps. */
    const kept = (data: string | Uint8Array): number => {
      const values: unknown[] = [];
      const start = process.memoryUsage().heapUsed;
      values.push(codec.decodeModel(format.decode(data)));
      return values.length && process.memoryUsage().heapUsed - start;
    };
    for (const value of [0, Number.NaN]) {
      const data = format.encode(codec.encodeModel(named((i) => String(1_000 + (i % 20)), value)));
      // 24 MB where each has room for a thousand and a half.
      expect(kept(data)).toBeLessThan(8_000_000);
      expect(codec.decodeModel(format.decode(data))).toEqual(named((i) => String(1_000 + (i % 20)), value));
    }
    const tagged = format.encode(codec.encodeModel(named(() => "1000", 1).map((one) => ({ ...one, $: 1 }))));
    expect(kept(tagged)).toBeLessThan(8_000_000);
  }
  expect(
    Object.entries(binary.decode(binary.encode({ b: 1, 12: 2, 4294967294: 3, 7: 4 })) as object),
  ).toEqual(Object.entries({ b: 1, 12: 2, 4294967294: 3, 7: 4 }));
});

test("[CO11] S29: lengths that are merely announced are refused without allocating", () => {
  const heads = [
    [0xdd, 0xff, 0xff, 0xff, 0xff],
    [0xdf, 0xff, 0xff, 0xff, 0xff],
    [0xdb, 0xff, 0xff, 0xff, 0xff],
    [0xc6, 0xff, 0xff, 0xff, 0xff],
    [0xdc, 0xff, 0xff],
    [0xde, 0xff, 0xff],
    [0xda, 0xff, 0xff],
    [0xc5, 0xff, 0xff],
    [0x9f, 1],
    [0x8f, 0xa1, 97],
    [0xbf, 97],
    [0xd9],
    [0xc4, 1],
    [0xcb, 0],
    [0xdc, 0],
  ];
  for (const head of heads)
    expect(() => binary.decode(Uint8Array.from(head)), String(head)).toThrow(CallaError);
  // 200 levels that announce 99,999 items each in a frame of a megabyte: together they cannot be there.
  const bomb = new Uint8Array(1_000_000);
  for (let i = 0; i < 200; i++) bomb.set([0xdd, 0, 1, 0x86, 0x9f], 5 * i);
  const before = process.memoryUsage().heapUsed;
  expect(() => binary.decode(bomb)).toThrow(code("too-large"));
  expect(() => binary.decode(bomb, { ...limits, maxValues: Infinity })).toThrow(code("undecodable"));
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(20_000_000);
});

test("[CO12] the wrong sort of data is undecodable", () => {
  expect(() => text.decode(Uint8Array.of(49))).toThrow(code("undecodable"));
  expect(() => binary.decode("1")).toThrow(code("undecodable"));
  for (const frame of ["", "{", "nul", "\ufeff1", "{'a':1}"])
    expect(() => text.decode(frame)).toThrow(code("undecodable"));
});

test("[CO12] what cannot be written is a typed error", () => {
  const ring: unknown[] = [];
  ring.push(ring);
  for (const format of formats) {
    for (const value of [ring, 1n, [1n]]) expect(() => format.encode(value)).toThrow(code("invalid-value"));
    expect(format.encode({ a: 1 })).toEqual(format.encode({ a: 1, b: undefined }));
  }
  expect(() => text.encode(undefined)).toThrow(code("invalid-value"));
});

test("[CO13] MessagePack: what is not ours is refused", () => {
  const refused: [string, number[]][] = [
    ["nothing", []],
    ["the head that is never used", [0xc1]],
    ["fixext", [0xd4, 1, 0]],
    ["a timestamp", [...encode(new Date(0))]],
    ["ext 8, 16, 32", [0xc7, 1, 5, 0]],
    ["ext 16", [0xc8, 0, 1, 5, 0]],
    ["ext 32", [0xc9, 0, 0, 0, 1, 5, 0]],
    ["a key that is a number", [0x81, 1, 1]],
    ["a key that is nil", [0x81, 0xc0, 1]],
    ["a key that is bytes", [0x81, 0xc4, 1, 97, 1]],
    ["a key that is an array", [0x81, 0x90, 1]],
    ["a second key that is a number", [0x82, 0xa1, 97, 1, 1, 1]],
    ["uint 64 of 2^53", [0xcf, 0, 0x20, 0, 0, 0, 0, 0, 0]],
    ["int 64 of -2^53", [0xd3, 0xff, 0xe0, 0, 0, 0, 0, 0, 0]],
    ["more bytes", [1, 1]],
    ["more bytes after a map", [0x80, 0x80]],
    ["a map without its last value", [0x82, 0xa1, 97, 1, 0xa1, 98]],
  ];
  for (const [what, bytes] of refused)
    expect(() => binary.decode(Uint8Array.from(bytes)), what).toThrow(code("undecodable"));
  expect(binary.decode(Uint8Array.from([0xcf, 0, 0x1f, 255, 255, 255, 255, 255, 255]))).toBe(
    Number.MAX_SAFE_INTEGER,
  );
  expect(binary.decode(Uint8Array.from([0xd3, 0xff, 0xe0, 0, 0, 0, 0, 0, 1]))).toBe(Number.MIN_SAFE_INTEGER);
  expect(binary.decode(Uint8Array.from([0xca, 0x3f, 0xc0, 0, 0]))).toBe(1.5);
  // A duplicate key is harmless: the last one counts, as in JSON.
  expect(binary.decode(Uint8Array.from([0x82, 0xa1, 97, 1, 0xa1, 97, 2]))).toEqual({ a: 2 });
  expect(text.decode('{"a":1,"a":2}')).toEqual({ a: 2 });
});

test("[CO14] decoded bytes are no window into the frame", () => {
  const codec = automatic(binary).payload(binary);
  for (const wrap of [(bytes: Uint8Array) => bytes, (bytes: Uint8Array) => Buffer.from(bytes)]) {
    const frame = wrap(binary.encode([codec.encodeMessage(Uint8Array.of(1, 2, 3))]) as Uint8Array);
    const [bytes] = codec.decodeMessage(binary.decode(frame)) as [Uint8Array];
    frame.fill(0);
    expect(bytes).toStrictEqual(Uint8Array.of(1, 2, 3));
    expect(bytes.buffer.byteLength).toBe(3);
  }
});

test("[CO14] an encoded frame stays what it is when the next is encoded", () => {
  const first = binary.encode("first") as Uint8Array;
  const copy = Uint8Array.from(first);
  const large = binary.encode("x".repeat(2_000_000)) as Uint8Array;
  expect(large).toHaveLength(2_000_005);
  binary.encode("other");
  expect(first).toStrictEqual(copy);
});

// 20,000 in every run; CALLA_FUZZ=1000000 for a long one. fast-check prints seed and path of a failure.
const runs = Number(process.env.CALLA_FUZZ ?? 20_000);
const serialiser = automatic(...(formats as [Format])).with({ classes: [pointClass, secretClass] });
const prototypes = [Object, Array, Map, Set, Date, Uint8Array, String, Number, Function].map(
  (type) => type.prototype as object,
);
const anatomy = (): string =>
  prototypes.map((prototype) => Reflect.ownKeys(prototype).map(String).join()).join(";");
const before = anatomy();

function decodesOrRefuses(format: Format, data: string | Uint8Array): void {
  const codec = serialiser.payload(format);
  for (const read of [codec.decodeMessage, codec.decodeModel]) {
    try {
      const value = read(format.decode(data));
      // What was taken is a normal value of the domain: it can be sent on.
      codec.encodeModel(value);
    } catch (thrown) {
      if (!(thrown instanceof CallaError)) throw thrown;
    }
  }
}

const bytesBy = (format: Format, value: unknown): Uint8Array => {
  const codec = serialiser.payload(format);
  return Uint8Array.from(
    Buffer.from(
      format.encode([{ type: "Push", a: codec.encodeModel(value) }, codec.encodeModel(value)]) as string,
    ),
  );
};
const mutation = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  kind: fc.constantFrom("set", "drop", "add", "cut", "double"),
  byte: fc.oneof(
    fc.integer({ min: 0, max: 255 }),
    fc.constantFrom(...Buffer.from('[]{}",:\\u0$_0'), 0x81, 0x91, 0xdd, 0xdf, 0xc7, 0xc1),
  ),
});
function mutated(
  bytes: Uint8Array,
  changes: readonly { at: number; kind: string; byte: number }[],
): Uint8Array {
  const list = [...bytes];
  for (const { at, kind, byte } of changes) {
    const i = Math.min(list.length, Math.floor(at * list.length));
    if (kind === "set") list[i] = byte;
    else if (kind === "drop") list.splice(i, 1);
    else if (kind === "add") list.splice(i, 0, byte);
    else if (kind === "cut") list.length = i;
    else list.splice(i, 0, ...list.slice(i, i + 1 + (byte & 15)));
  }
  return Uint8Array.from(list);
}

test.each(formats.map((format) => [format.name, format] as const))(
  "[CO12] fuzz: arbitrary bytes and mutated frames of %s",
  (_, format) => {
    const good = format.encode({ type: "Ping", at: 1 });
    const feed = (bytes: Uint8Array): void => {
      decodesOrRefuses(
        format,
        format.binary ? bytes : Buffer.from(bytes).toString(bytes.length % 2 === 0 ? "utf8" : "latin1"),
      );
      expect(format.decode(good)).toEqual({ type: "Ping", at: 1 });
    };
    const half = Math.ceil(runs / 4);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), feed), { numRuns: half });
    fc.assert(
      fc.property(anyValue, fc.array(mutation, { minLength: 1, maxLength: 4 }), (value, changes) =>
        feed(mutated(bytesBy(format, value), changes)),
      ),
      { numRuns: half },
    );
    expect(anatomy()).toBe(before);
    expect(Object.keys({})).toEqual([]);
  },
  Math.max(30_000, runs),
);
